# The science image. Its content is built by `python -m infra.packaging build science`, which is also what the local emulator
# runs: same recipe, same bytes. Context: .build/images/gyre-science
ARG BASE=public.ecr.aws/lambda/python:3.12
FROM ${BASE}
COPY . ${LAMBDA_TASK_ROOT}
# train here; the template overrides it for the other functions.
CMD ["app.train"]

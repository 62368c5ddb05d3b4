# Gyre's commands. `make` alone lists them.
ENV ?= local
PYTHON ?= python3
DEV := .venv/dev/bin/python
SAM := SAM_CLI_TELEMETRY=0 .venv/sam/bin/sam

export PYTHONPATH := layers/gyre:infra/emulator:.
# Some machines set it; every command would then compile what it imports anew, seconds each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
# `make up deploy` means one after the other, also under -j.
.NOTPARALLEL:
# `sam build` comes here for each function and layer: the same recipe, the same bytes.
build-%:
	@$(DEV) -m infra.packaging sam $* "$(ARTIFACTS_DIR)"

.PHONY: help setup lock package size up down status deploy new-pseudonym-key connect demo test check lint types rules unit e2e sam-local bench openapi schema

help: ## this list
	@echo "Gyre: the whole model loop, serverless. On this machine:"
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):.*## /  make \1\t/' | expand -t 20

setup: ## build every Python environment from the locks (a no-op when nothing changed)
	@$(PYTHON) infra/environments.py

lock: ## resolve requirements/*.in anew
	@$(PYTHON) infra/environments.py --lock

package: setup ## build functions, layers and the science image folder into .build/
	@$(DEV) -m infra.packaging build

size: package ## each function's unzipped size; fails above the budget
	@$(DEV) -m infra.packaging size

up: setup ## start the emulator (LocalStack without Docker) on 127.0.0.1:4566
	@$(DEV) -m gyre_emulator up

down: ## stop it; no process of ours stays
	@$(PYTHON) -m gyre_emulator down

status: ## is it running?
	@$(PYTHON) -m gyre_emulator status

deploy: package ## deploy to the emulator, or with ENV=dev|staging|production to AWS
	@$(DEV) -m infra.deploy $(ENV)

new-pseudonym-key: package ## deploy to ENV, and hash personal values with a newer key from now on
	@$(DEV) -m infra.deploy $(ENV) --new-pseudonym-key

connect: setup ## write a Prometheus configuration for ENV into .gyre/observability/
	@$(DEV) -m infra.observability.connect $(ENV)

demo: up deploy ## everything at once: from nothing to a running stack with an example flowing through it
	@$(DEV) -m cli.demo

test: package ## every test; starts and deploys what they need
	@$(DEV) -m pytest

check: lint types rules test ## what CI runs: lint, types, import rules, tests

lint: setup ## ruff, cfn-lint, sam validate
	@$(DEV) -m ruff check . && $(DEV) -m ruff format --check .
	@.venv/sam/bin/cfn-lint template.yaml infra/storage.yaml && $(SAM) validate --lint

types: setup ## mypy, strict
	@$(DEV) -m mypy
	@$(DEV) -m mypy --config-file infra/emulator/mypy.ini -p gyre_emulator
	@for app in functions/*/*.py; do $(DEV) -m mypy $$app || exit 1; done

rules: setup ## which room may import which
	@.venv/dev/bin/lint-imports --no-cache

unit: setup ## the tests that need nothing running
	@$(DEV) -m pytest tests/unit tests/contract tests/infra

e2e: package ## the tests of the deployed stack
	@$(DEV) -m pytest tests/e2e

sam-local: package ## every event in events/ through `sam local invoke` (needs a Docker engine)
	@$(DEV) -m pytest tests/docker/test_sam_local.py

bench: package ## the speeds we promise, measured here; with NAME=journal one kind of them
	@$(DEV) -m bench $(NAME)

openapi: setup ## write the API's document from the code
	@$(DEV) -m infra.openapi

schema: setup ## write model.yaml's JSON Schema and the tables of its page from the code
	@$(DEV) -m infra.model_schema

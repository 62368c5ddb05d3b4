"""What an object that came in sets going: a model is declared, a training begins, or a file is predicted."""

from typing import Any

from gyre.datasets.batch_file import batch_file_at, is_batch, is_batch_input, run_of_batch
from gyre.datasets.upload import is_spec, upload_at
from gyre.objects import ObjectStore, is_rewritten
from gyre.spec.document import MAX_BYTES
from gyre.spec.versions import add_uploaded_spec
from gyre.training.start import start_from_upload
from gyre.workflow import Workflow


def take_in(
    key: str, version: str | None, data: ObjectStore, artifacts: ObjectStore, workflow: Workflow
) -> dict[str, Any]:
    """Doing it again for the same object changes nothing; returns what was done."""
    if key.endswith("/"):
        return {"ignored": "the marker of a folder"}
    if is_rewritten(key, version, data):
        return {"ignored": "what is left of a file after a person was erased from it"}
    if is_batch(key):
        return _take_batch(key, version, workflow)
    if not is_spec(key):
        return {"run": start_from_upload(key, version, workflow).run}
    model = upload_at(key).model
    with data.open(key, version) as file:  # of any size: a byte too many is enough to refuse it
        declared = add_uploaded_spec(model, file.read(MAX_BYTES + 1), artifacts)
    return {"model": declared.model, "spec_version": declared.version}


def _take_batch(key: str, version: str | None, workflow: Workflow) -> dict[str, Any]:
    if not is_batch_input(key):
        return {"ignored": "a file that a batch made"}
    file = batch_file_at(key, version)
    run = run_of_batch(key, version)
    workflow.start(run, {"run": run, "model": file.model, "file": {"key": key, "version": version}})
    return {"run": run}

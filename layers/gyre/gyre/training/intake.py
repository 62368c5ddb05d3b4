"""What an object in the inbox sets going: a model is declared, or a run begins."""

from typing import Any

from gyre.datasets.upload import is_spec, upload_at
from gyre.objects import ObjectStore
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
    if not is_spec(key):
        return {"run": start_from_upload(key, version, workflow).run}
    model = upload_at(key).model
    with data.open(key, version) as file:  # of any size: a byte too many is enough to refuse it
        declared = add_uploaded_spec(model, file.read(MAX_BYTES + 1), artifacts)
    return {"model": declared.model, "spec_version": declared.version}

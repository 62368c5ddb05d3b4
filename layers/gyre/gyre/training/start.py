"""How a training run starts: by a request, or by an upload."""

import hashlib
from dataclasses import dataclass

from gyre.datasets.upload import INBOX, Upload, checked_model, upload_at
from gyre.errors import Invalid, NotFound
from gyre.objects import ObjectStore
from gyre.workflow import Workflow, fresh_run_name


@dataclass(frozen=True)
class Started:
    """A run that goes on by itself."""

    run: str
    upload: Upload


def start_from_upload(key: str, version: str | None, workflow: Workflow) -> Started:
    """Starts the run of one upload. Its name comes from the object's version, so that an event told twice runs once."""
    upload = upload_at(key, version)
    return _start(run_of_upload(key, version), upload, workflow)


def run_of_upload(key: str, version: str | None) -> str:
    """What the run of an upload is called; whoever uploaded a file can follow it by this name."""
    return f"upload-{hashlib.sha256(f'{key}\n{version}'.encode()).hexdigest()[:24]}"


def start_by_request(model: str, dataset: str | None, uploads: ObjectStore, workflow: Workflow) -> Started:
    """Starts a run over the named upload, or over the model's newest one."""
    key = dataset or _newest_upload(checked_model(model), uploads)
    if not key.startswith(INBOX):
        key = f"{INBOX}{checked_model(model)}/{key}"
    upload = upload_at(key)
    if upload.model != model:
        raise Invalid(f"{upload.key} belongs to {upload.model}, not to {model}.", field="dataset")
    try:
        uploads.size(upload.key)  # here, where the caller hears it, and not in the run
    except NotFound:
        raise NotFound(f"{upload.key} was never uploaded.", field="dataset") from None
    return _start(fresh_run_name("train"), upload, workflow)


def _newest_upload(model: str, uploads: ObjectStore) -> str:
    # A key that ends in a slash is the marker of a folder, made by a console.
    files = (each for each in uploads.list(f"{INBOX}{model}/") if not each.key.endswith("/"))
    found = max(files, key=lambda each: each.changed_at, default=None)
    if found is None:
        raise NotFound(f"{model} has no upload: put a file under {INBOX}{model}/ in the data bucket.", field="model")
    return found.key


def _start(run: str, upload: Upload, workflow: Workflow) -> Started:
    payload = {"run": run, "model": upload.model, "upload": {"key": upload.key, "version": upload.version}}
    workflow.start(run, payload)
    return Started(run, upload)

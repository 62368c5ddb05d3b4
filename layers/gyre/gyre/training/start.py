"""How a run starts: by an upload, by a request, with the address of a file; a training, or an evaluation alone."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import unquote

from gyre.datasets.address import checked_address
from gyre.datasets.upload import INBOX, Upload, checked_ending, checked_file, checked_model, is_spec, upload_at
from gyre.datasets.version import dataset_version, newest_version, version_numbers
from gyre.errors import Invalid, NotFound
from gyre.objects import ObjectStore
from gyre.workflow import Workflow, fresh_run_name


@dataclass(frozen=True)
class Started:
    """A run that goes on by itself, and what it works on: an upload, or a dataset version."""

    run: str
    model: str
    upload: str | None = None
    dataset: int | None = None


@dataclass(frozen=True)
class Wishes:
    """What a training may be told besides its data."""

    spec: int | None = None
    """The version of model.yaml; the newest one if left out."""
    base: int | None = None
    """The model version that is trained again; what serves if left out."""
    search: Mapping[str, Any] | None = None
    """What the search does otherwise than the spec says."""


NONE = Wishes()


def start_from_upload(key: str, version: str | None, workflow: Workflow) -> Started:
    """Starts the run of one upload. Its name comes from the object's version, so that an event told twice runs once."""
    upload = upload_at(key, version)
    return _start(run_of_upload(key, version), upload.model, workflow, upload=upload)


def run_of_upload(key: str, version: str | None) -> str:
    """What the run of an upload is called; whoever uploaded a file can follow it by this name."""
    return f"upload-{hashlib.sha256(f'{key}\n{version}'.encode()).hexdigest()[:24]}"


def start_by_request(
    model: str, dataset: int | None, upload: str | None, data: ObjectStore, workflow: Workflow, wishes: Wishes = NONE,
    *, run: str | None = None,
) -> Started:  # fmt: skip
    """Starts a run over a dataset version, or over an upload; by itself over the newest version, else upload."""
    if dataset is not None and upload is not None:
        raise Invalid("A run works on a dataset version or on an upload: send one of both.", field="dataset")
    run = run or fresh_run_name("train")
    if upload is None and dataset is None:
        dataset = next(reversed(version_numbers(checked_model(model), data)), None)
    if dataset is None and wishes.spec is not None:
        raise Invalid(
            "An upload is taken in by the newest model.yaml: name `spec` with a dataset version.", field="spec"
        )
    if dataset is not None:
        dataset_version(checked_model(model), dataset, data)  # here, where the caller hears it, and not in the run
        return _start(run, model, workflow, dataset=dataset, wishes=wishes)
    found = _upload(model, upload or _newest_upload(model, data), data)
    return _start(run, model, workflow, upload=found, wishes=wishes)


def start_evaluation(
    model: str, version: int, dataset: int | None, part: str, data: ObjectStore, workflow: Workflow
) -> Started:
    """Starts a run that says how good a version is on a dataset version; the newest one if none is named."""
    if dataset is None:
        dataset = newest_version(model, data).version
    else:
        dataset_version(model, dataset, data)
    told = {"version": version, "dataset": dataset, "part": part}
    return replace(_start(fresh_run_name("eval"), model, workflow, evaluate=told), dataset=dataset)


def start_by_url(model: str, url: str, hosts: Collection[str], workflow: Workflow) -> Started:
    """Starts a run over a file that lies elsewhere, on one of the hosts that the deployment allows."""
    path = checked_address(url, hosts).path
    name = checked_file(unquote(path.rsplit("/", 1)[-1]), field="url")
    return _start(fresh_run_name("train"), checked_model(model), workflow, fetch={"url": url, "name": name})


def _upload(model: str, named: str, data: ObjectStore) -> Upload:
    key = named if named.startswith(INBOX) else f"{INBOX}{checked_model(model)}/{named}"
    upload = upload_at(key)
    if upload.model != model:
        raise Invalid(f"{upload.key} belongs to {upload.model}, not to {model}.", field="upload")
    checked_ending(upload.key, field="upload")
    try:
        data.size(upload.key)
    except NotFound:
        raise NotFound(f"{upload.key} was never uploaded.", field="upload") from None
    return upload


def _newest_upload(model: str, data: ObjectStore) -> str:
    # A key that ends in a slash is the marker of a folder, made by a console.
    files = (
        each
        for each in data.list(f"{INBOX}{checked_model(model)}/")
        if not each.key.endswith("/") and not is_spec(each.key)
    )
    found = max(files, key=lambda each: each.changed_at, default=None)
    if found is None:
        raise NotFound(f"{model} has no upload: put a file under {INBOX}{model}/ in the data bucket.", field="model")
    return found.key


def _start(
    run: str,
    model: str,
    workflow: Workflow,
    *,
    upload: Upload | None = None,
    dataset: int | None = None,
    fetch: dict[str, str] | None = None,
    evaluate: dict[str, Any] | None = None,
    wishes: Wishes = NONE,
) -> Started:
    told: dict[str, Any] | None = None if upload is None else {"key": upload.key, "version": upload.version}
    data = {"upload": told, "dataset": dataset, "fetch": fetch, "evaluate": evaluate}
    workflow.start(run, {"run": run, "model": model, **data, **asdict(wishes)})
    return Started(run, model, upload.key if upload else None, dataset)

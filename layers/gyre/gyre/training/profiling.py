"""The first task of a run: read the upload and keep its profile beside the run."""

import json
from dataclasses import asdict, dataclass

from gyre.datasets.profile import LIMIT_BYTES, profile_of
from gyre.datasets.upload import Upload
from gyre.errors import TooLarge
from gyre.objects import ObjectStore


@dataclass(frozen=True)
class ProfileKept:
    """What goes on in the state: references and a few figures, never the data."""

    key: str
    rows: int
    columns: int


def profile_upload(run: str, upload: Upload, bucket: ObjectStore) -> ProfileKept:
    """Writes runs/<model>/<run>/profile.json; a run that is tried again writes the same object again."""
    size = bucket.size(upload.key, upload.version)
    if size > LIMIT_BYTES:
        raise TooLarge(f"{upload.key} has {size:,} bytes, the limit is {LIMIT_BYTES:,}. Split it into several files.")
    source = bucket.read(upload.key, upload.version)
    profile = profile_of(upload.key.rsplit("/", 1)[-1], source.content)
    told = {"run": run, "model": upload.model, "upload": asdict(upload), **asdict(profile)}
    key = f"runs/{upload.model}/{run}/profile.json"
    bucket.write(key, json.dumps(told, indent=1).encode(), content_type="application/json")
    return ProfileKept(key, profile.rows, len(profile.columns))

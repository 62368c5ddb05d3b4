"""Files that come in through the API: small ones in the request itself, others straight to S3 by a signed address."""

import secrets
from dataclasses import dataclass

from gyre.datasets.upload import INBOX, Upload, checked_file, checked_model
from gyre.errors import Invalid, TooLarge
from gyre.objects import ObjectStore

# API Gateway lets 10 MB through and Lambda 6, of which base64 takes a quarter.
MOST_BYTES = 4_500_000
ADDRESS_SECONDS = 3600


@dataclass(frozen=True)
class Address:
    """Where a file may be put, once, within a time."""

    key: str
    put_url: str
    seconds: int = ADDRESS_SECONDS


def receive(model: str, name: str, content: bytes, data: ObjectStore) -> Upload:
    """Puts a file into the inbox; its arrival there starts the run."""
    if not content:
        raise Invalid(f"{name[:100]} is empty: send the file as the body of the request.", field="body")
    if len(content) > MOST_BYTES:
        raise TooLarge(
            f"{name[:100]} has {len(content):,} bytes, and {MOST_BYTES:,} are what a request may carry. "
            f"POST /models/{model}/uploads gives an address for larger files."
        )
    key = f"{INBOX}{checked_model(model)}/{checked_file(name)}"
    written = data.write(key, content, content_type="application/octet-stream")
    return Upload(model, key, written.version)


def address_for(model: str, name: str, data: ObjectStore) -> Address:
    """A signed address to put one file at. Each has a folder of its own: nobody's file replaces another's."""
    key = f"{INBOX}{checked_model(model)}/{secrets.token_hex(6)}/{checked_file(name)}"
    return Address(key, data.put_address(key, ADDRESS_SECONDS))

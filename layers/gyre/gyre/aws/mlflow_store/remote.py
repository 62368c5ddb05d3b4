"""The file in S3: fetched if it changed, put if nobody else was faster."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told

NOT_MODIFIED = 304


class Remote(Protocol):
    """One object, whole; an ETag names exactly one content."""

    def fetch(self, known: str | None, target: Path) -> str | None:
        """Writes the content to `target` and tells its ETag; None if it is still `known`. Missing is `NotFound`."""

    def put(self, source: Path, replaces: str | None) -> str:
        """Replaces the content of that ETag, or makes the object new; `Conflict` if somebody was faster."""


@dataclass(frozen=True)
class S3File:
    """`Remote` over S3."""

    bucket: str
    key: str

    def fetch(self, known: str | None, target: Path) -> str | None:
        condition = {"IfNoneMatch": known} if known else {}
        try:
            answer = client("s3").get_object(Bucket=self.bucket, Key=self.key, **condition)
            with target.open("wb") as file:
                shutil.copyfileobj(answer["Body"], file, 1 << 20)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] == NOT_MODIFIED:
                return None
            raise told(error, f"s3://{self.bucket}/{self.key}") from error
        return str(answer["ETag"])

    def put(self, source: Path, replaces: str | None) -> str:
        condition = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
        try:
            with source.open("rb") as file:
                answer = client("s3").put_object(
                    Bucket=self.bucket, Key=self.key, Body=file, ContentType="application/vnd.sqlite3", **condition
                )
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self.bucket}/{self.key}") from error
        return str(answer["ETag"])

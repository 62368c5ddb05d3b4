"""One bucket in S3."""

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told
from gyre.objects import ObjectInfo, StoredObject


class S3Bucket:
    """`ObjectStore` over S3."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def read(self, key: str, version: str | None = None) -> StoredObject:
        pinned = {"VersionId": version} if version else {}
        try:
            answer = client("s3").get_object(Bucket=self._bucket, Key=key, **pinned)
            return StoredObject(key, answer["Body"].read(), answer["ETag"])
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self._bucket}/{key}") from error

    def size(self, key: str, version: str | None = None) -> int:
        pinned = {"VersionId": version} if version else {}
        try:
            return int(client("s3").head_object(Bucket=self._bucket, Key=key, **pinned)["ContentLength"])
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self._bucket}/{key}") from error

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> str:
        condition = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"} if new else {}
        try:
            answer = client("s3").put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=content_type, **condition
            )
            return str(answer["ETag"])
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self._bucket}/{key}") from error

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        try:
            for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for each in page.get("Contents", ()):
                    yield ObjectInfo(each["Key"], each["Size"], each["LastModified"])
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self._bucket}/{prefix}") from error

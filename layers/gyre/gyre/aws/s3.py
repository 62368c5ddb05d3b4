"""One bucket in S3."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError, ResponseStreamingError

from gyre.aws.clients import client, told
from gyre.aws.s3_stream import opened
from gyre.errors import NotFound
from gyre.objects import ObjectInfo, ObjectVersion, StoredObject, Stream, Written


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

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        return opened(self._bucket, key, version)

    def write(
        self, key: str, content: bytes, *, content_type: str, replaces: str | None = None, new: bool = False
    ) -> Written:
        condition = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"} if new else {}
        try:
            answer = client("s3").put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=content_type, **condition
            )
            return Written(answer["ETag"], answer.get("VersionId"))
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self._bucket}/{key}") from error

    def write_stream(self, key: str, stream: Stream, *, marks: Mapping[str, str] | None = None) -> Written:
        try:
            client("s3").upload_fileobj(_Whole(stream), self._bucket, key, ExtraArgs={"Metadata": dict(marks or {})})
            answer = client("s3").head_object(Bucket=self._bucket, Key=key)
            return Written(answer["ETag"], answer.get("VersionId"))
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            known = error if isinstance(error, ClientError | BotoCoreError) else ResponseStreamingError(error=error)
            raise told(known, f"s3://{self._bucket}/{key}") from error

    def marks(self, key: str, version: str | None = None) -> Mapping[str, str]:
        pinned = {"VersionId": version} if version else {}
        try:
            return dict(client("s3").head_object(Bucket=self._bucket, Key=key, **pinned)["Metadata"])
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self._bucket}/{key}") from error

    def put_address(self, key: str, seconds: int) -> str:
        wanted = {"Bucket": self._bucket, "Key": key}
        return str(client("s3").generate_presigned_url("put_object", Params=wanted, ExpiresIn=seconds))

    def get_address(self, key: str, seconds: int) -> str:
        # Browsers and tools keep it as a file by its own name.
        shown = f'attachment; filename="{key.rsplit("/", 1)[-1]}"'
        wanted = {"Bucket": self._bucket, "Key": key, "ResponseContentDisposition": shown}
        return str(client("s3").generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        try:
            for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for each in page.get("Contents", ()):
                    yield ObjectInfo(each["Key"], each["Size"], each["LastModified"])
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self._bucket}/{prefix}") from error

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        try:
            pages = client("s3").get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                # S3 lists contents and deletions apart, each in order.
                found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                for each in sorted(found, key=lambda each: (each["Key"], not each["IsLatest"])):
                    yield ObjectVersion(
                        each["Key"], each["VersionId"], each.get("Size", 0), each["LastModified"], each["IsLatest"],
                        "Size" not in each,
                    )  # fmt: skip
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"s3://{self._bucket}/{prefix}") from error

    def remove(self, key: str, version: str) -> None:
        try:
            client("s3").delete_object(Bucket=self._bucket, Key=key, VersionId=version)
        except (ClientError, BotoCoreError) as error:
            if not isinstance(known := told(error, f"s3://{self._bucket}/{key}"), NotFound):
                raise known from error


class _Whole:
    """A stream that gives as much as is asked for while there is more: to boto3 anything less is the end."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        blocks, left = [], size
        while left != 0 and (block := self._stream.read(left)):
            blocks.append(block)
            left -= len(block) if size > 0 else 0
        return b"".join(blocks)

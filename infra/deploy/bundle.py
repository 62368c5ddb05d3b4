"""The template as the emulator takes it: built parts uploaded once each, local paths replaced by where they lie."""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.deploy import DeployError
from infra.packaging.template import FUNCTION, LAYER, load, plain
from infra.packaging.workshop import Workshop

STATE_MACHINE = "AWS::Serverless::StateMachine"
# Where each type says what it is made of: a change here alone is code, and code can be updated in place.
CODE_PROPERTIES = {FUNCTION: "CodeUri", LAYER: "ContentUri", STATE_MACHINE: "DefinitionUri"}


@dataclass(frozen=True)
class Bundle:
    """What CloudFormation gets."""

    body: str
    shape: str
    """A digest of everything in the template but code: with the same shape an update in place is safe."""
    uploads: Mapping[str, Path]
    """Key in the package bucket -> file."""


def bundle(shop: Workshop, bucket: str, parameters: Mapping[str, str]) -> Bundle:
    """Reads template.yaml and replaces each local path by the place of the built part."""
    template = load(shop.template)
    uploads: dict[str, Path] = {}
    shape = copy.deepcopy(template)
    for name, resource in template["Resources"].items():
        kind, properties = resource.get("Type"), resource.get("Properties", {})
        if properties.get("PackageType") == "Image":
            image = properties["ImageUri"].partition(":")[0]
            properties["ImageUri"] = f"{image}:{_image_digest(shop, image)}"
            del shape["Resources"][name]["Properties"]["ImageUri"]
        elif kind in CODE_PROPERTIES:
            where = CODE_PROPERTIES[kind]
            file = _file_of(shop, kind, plain(properties[where]), name)
            key = f"{name}-{_digest(file)}{file.suffix}"
            uploads[key] = file
            at = {"Bucket": bucket, "Key": key}
            properties[where] = at if kind == STATE_MACHINE else f"s3://{bucket}/{key}"
            del shape["Resources"][name]["Properties"][where]
        resource.pop("Metadata", None)
    settled = {name: value for name, value in parameters.items() if name != "Commit"}
    digest = hashlib.sha256(json.dumps([shape, settled], sort_keys=True).encode()).hexdigest()[:16]
    return Bundle(json.dumps(template), digest, uploads)


def upload(s3: Any, bucket: str, uploads: Mapping[str, Path]) -> int:
    """Puts what is not there yet; keys carry the content's digest. Returns the bytes sent."""
    s3.create_bucket(Bucket=bucket)
    sent = 0
    for key, file in uploads.items():
        try:
            s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
            sent += file.stat().st_size
    return sent


def _file_of(shop: Workshop, kind: str, uri: str, name: str) -> Path:
    if kind == STATE_MACHINE:
        file = shop.root / uri
    else:
        part = shop.part_at(uri)
        if part is None:
            raise DeployError(f"template.yaml: nothing builds {name} ({uri}); add it to infra/packaging/recipe.py")
        file = shop.archive(part)
    if not file.is_file():
        raise DeployError(f"{file.relative_to(shop.root)} is missing: run `make package`")
    return file


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _image_digest(shop: Workshop, image: str) -> str:
    """The image's tag: it changes with its content, so that warm functions of the old one are replaced."""
    for part in shop.parts:
        if part.place == f"images/{image}":
            stamp = shop.stamp(part.name)
            if not stamp:
                raise DeployError(f".build/{part.place} is missing or half-built: run `make package`")
            return hashlib.sha256(json.dumps(stamp, sort_keys=True).encode()).hexdigest()[:16]
    raise DeployError(f"template.yaml: nothing builds the image {image}; add it to infra/packaging/recipe.py")

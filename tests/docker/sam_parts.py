"""What `sam local invoke` runs: template.yaml with the built parts in it, layers as if published, the science image."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import boto3

from infra.deploy.record import StackRecord
from infra.packaging.template import FUNCTION, LAYER, of_type, plain, references
from infra.packaging.workshop import Workshop
from tests.docker.engine import ROOT, SOCKET, Engine

CONTENT_LABEL = "gyre.content"
LAYERED_IMAGES = "samcli/lambda-python"


def images(template: dict[str, Any]) -> dict[str, str]:
    """Logical id of each image function, and its image's name."""
    found = ((name, resource["Properties"]) for name, resource in of_type(template, FUNCTION))
    return {name: properties["ImageUri"] for name, properties in found if properties.get("PackageType") == "Image"}


def build_image(engine: Engine, shop: Workshop, image: str, base: str) -> None:
    """As for AWS, from the folder that the emulator runs; nothing to do when that is unchanged."""
    name = image.partition(":")[0]
    part = next(part for part in shop.parts if part.place == f"images/{name}")
    recipe = ROOT / "infra" / "science.Dockerfile"
    digest = digest_of(shop.stamp(part.name), image_id(engine, base), recipe.read_text())
    label = ("--format", f'{{{{index .Config.Labels "{CONTENT_LABEL}"}}}}')
    if engine.docker("image", "inspect", *label, image, check=False).stdout.strip() == digest:
        return
    build = ["build", "--tag", image, "--label", f"{CONTENT_LABEL}={digest}", "--build-arg", f"BASE={base}"]
    engine.docker(*build, "--file", str(recipe), str(shop.folder(part)), limit=900)


def publish_layers(engine: Engine, shop: Workshop, template: dict[str, Any], cache: Path, base: str) -> dict[str, str]:
    """Each layer's ARN by its logical id, its content laid where sam keeps the ones it has downloaded.

    For layers of the template itself, sam builds the image of function and layers anew at every call; for published
    ones only when there is a new version. So a version here is the content's digest.
    """
    arns: dict[str, str] = {}
    fresh = False
    for logical, resource in of_type(template, LAYER):
        part = shop.part_at(plain(resource["Properties"]["ContentUri"]))
        assert part, f"nothing builds {logical}"
        version = int(digest_of(shop.stamp(part.name), image_id(engine, base)), 16) % 10**9
        arns[logical] = arn = f"arn:aws:lambda:us-east-1:000000000000:layer:{part.name}:{version}"
        place = cache / f"{part.name}-{version}-{hashlib.sha256(arn.encode()).hexdigest()[:10]}"
        if not place.is_dir():
            for old in cache.glob(f"{part.name}-*"):
                shutil.rmtree(old)
            draft = cache / f".{place.name}"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(shop.folder(part), draft, copy_function=os.link, symlinks=True)
            draft.rename(place)
            fresh = True
    # Images of older versions; in somebody else's engine they are not ours to remove.
    if fresh and engine.host == SOCKET:
        stale = engine.docker("image", "ls", "--quiet", LAYERED_IMAGES).stdout.split()
        if stale:
            engine.docker("image", "rm", "--force", *stale, check=False)
    return arns


def localised(
    template: dict[str, Any], shop: Workshop, arns: dict[str, str], environments: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """The template with each part's folder in place of its source, and the environment of each deployed function."""
    local = copy.deepcopy(template)
    # With their queues, alarms and policies, which name what is not there.
    absent = {resource["Condition"] for _, resource in undeployed(local)}
    absent |= {name for name, told in local.get("Conditions", {}).items()
               if absent & {each.get("Condition") for each in told.get("Fn::And", ())}}  # fmt: skip
    for name in [name for name, each in local["Resources"].items() if each.get("Condition") in absent]:
        del local["Resources"][name]
    for name, resource in of_type(local, FUNCTION):
        resource.pop("Metadata", None)
        properties = resource["Properties"]
        if "CodeUri" in properties:
            part = shop.part_at(plain(properties["CodeUri"]))
            assert part, f"nothing builds {name} ({properties['CodeUri']})"
            properties["CodeUri"] = str(shop.folder(part))
        if "Layers" in properties:
            properties["Layers"] = [arns[logical] for logical in references(properties["Layers"])]
        properties["Environment"] = {"Variables": environments[name]}
    for name, _ in of_type(local, LAYER):
        del local["Resources"][name]
    for parameter in local.get("Parameters", {}).values():
        # Conditions need a value; what matters of the others stands in the functions' environments.
        parameter.setdefault("Default", parameter.get("AllowedValues", ["unused"])[0])
    return local


def undeployed(template: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Functions that wait for somebody to ask for them, by a parameter of the stack."""
    return [(name, resource) for name, resource in of_type(template, FUNCTION) if "Condition" in resource]


def deployed_environments(
    template: dict[str, Any], record: StackRecord, endpoint: str | None
) -> dict[str, dict[str, str]]:
    """Each function's variables as they are deployed, with the emulator's address as containers see it."""
    kind: dict[str, Any] = {"region_name": record.region, "endpoint_url": record.endpoint_url}
    if record.endpoint_url:
        kind |= {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    stacks, functions = boto3.client("cloudformation", **kind), boto3.client("lambda", **kind)
    environments, absent = {}, dict(undeployed(template))
    for name in (name for name, _ in of_type(template, FUNCTION) if name not in absent):
        resource = stacks.describe_stack_resource(StackName=record.stack, LogicalResourceId=name)
        physical = resource["StackResourceDetail"]["PhysicalResourceId"]
        told = functions.get_function_configuration(FunctionName=physical).get("Environment", {}).get("Variables", {})
        if endpoint and record.endpoint_url:
            told = {key: value.replace(record.endpoint_url, endpoint) for key, value in told.items()}
            told["AWS_ENDPOINT_URL"] = endpoint
        environments[name] = told
    return environments


def image_id(engine: Engine, image: str) -> str:
    return engine.docker("image", "inspect", "--format", "{{.Id}}", image).stdout.strip()


def digest_of(*facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

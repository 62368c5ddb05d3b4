"""Reads template.yaml as CloudFormation means it: the one place that says which function stands on which layers."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.packaging import BuildError

FUNCTION, LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, in the form that JSON templates have: `!Ref A` is {"Ref": "A"}."""


def construct_tag(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if name == "Fn::GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name: value}


Loader.add_multi_constructor("!", construct_tag)
# `AWSTemplateFormatVersion: 2010-09-09` is a name, not a day.
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class FunctionResource:
    """A function as the template declares it, with the globals applied."""

    logical_id: str
    folder: str  # CodeUri, or an image's DockerContext, as a plain path below the template
    handler: str  # `app.handler`; of an image, its command
    layers: tuple[str, ...]  # logical ids
    image: bool


@dataclass(frozen=True)
class LayerResource:
    logical_id: str
    folder: str


def load(path: Path) -> dict[str, Any]:
    """The whole template as plain dictionaries and lists."""
    try:
        document = yaml.load(path.read_text(), Loader=Loader)  # noqa: S506 - a SafeLoader with tags that only nest data
    except FileNotFoundError:
        raise BuildError(f"{path.name} is missing") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BuildError(f"{path.name}:{line}: {error.problem}") from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise BuildError(f"{path.name} declares no Resources")
    return document


def functions(template: dict[str, Any]) -> tuple[FunctionResource, ...]:
    common = template.get("Globals", {}).get("Function", {})
    known = {layer.logical_id for layer in layers(template)}
    return tuple(function_of(name, resource, common, known) for name, resource in of_type(template, FUNCTION))


def function_of(name: str, resource: dict[str, Any], common: dict[str, Any], known: set[str]) -> FunctionResource:
    own = resource.get("Properties", {})
    properties = {**common, **own}
    # SAM joins the lists of globals and function; every other property of the function replaces the global one.
    declared = [common.get("Layers", []), own.get("Layers", [])]
    if properties.get("PackageType") == "Image":
        folder = resource.get("Metadata", {}).get("DockerContext", "")
        handler = (properties.get("ImageConfig", {}).get("Command") or [""])[0]
        return FunctionResource(name, plain(folder), handler, (), image=True)
    used = tuple(dict.fromkeys(ref for ref in references(declared) if ref in known))
    return FunctionResource(name, plain(properties.get("CodeUri")), properties.get("Handler", ""), used, image=False)


def layers(template: dict[str, Any]) -> tuple[LayerResource, ...]:
    return tuple(
        LayerResource(name, plain(resource.get("Properties", {}).get("ContentUri", "")))
        for name, resource in of_type(template, LAYER)
    )


def architecture(template: dict[str, Any]) -> str:
    """What the functions run on: one for all, because they share their layers."""
    declared = template.get("Globals", {}).get("Function", {}).get("Architectures") or ["x86_64"]
    return str(declared[0])


def of_type(template: dict[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, found) for name, found in template["Resources"].items() if found.get("Type") == kind]


def references(node: Any) -> Iterator[str]:
    """Every logical id that a value refers to, also inside Fn::If."""
    if isinstance(node, dict):
        if isinstance(node.get("Ref"), str):
            yield node["Ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def plain(path: Any) -> str:
    return posixpath.normpath(path) if isinstance(path, str) and path else ""

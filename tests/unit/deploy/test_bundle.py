import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploy import DeployError
from infra.deploy.bundle import Bundle, bundle, upload
from infra.packaging.recipe import function, image, layer
from infra.packaging.workshop import Workshop

TEMPLATE = """
Parameters:
  Commit: {Type: String}
Resources:
  AppFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/app, Handler: app.handler, Timeout: TIMEOUT}
  SharedLayer:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/shared}
  TasksFunction:
    Type: AWS::Serverless::Function
    Metadata: {Dockerfile: Dockerfile, DockerContext: .}
    Properties: {PackageType: Image, ImageUri: 'gyre-tasks:latest'}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: infra/machine.asl.json}
  Queue:
    Type: AWS::SQS::Queue
"""
PARAMETERS = {"Environment": "local", "Commit": "c0ffee"}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A repository with one built part of each kind."""
    parts = (layer("shared"), function("app"), image("tasks", "gyre-tasks", "tasks.lock"))
    shop = Workshop(root=tmp_path, parts=parts, report=lambda _: None)
    write(tmp_path / "template.yaml", TEMPLATE.replace("TIMEOUT", "29"))
    write(tmp_path / "infra/machine.asl.json", "{}")
    write(tmp_path / ".build/functions/app.zip", "code 1")
    write(tmp_path / ".build/layers/shared.zip", "layer 1")
    shop.write_stamp("tasks", key="image 1")
    return shop


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def made(shop: Workshop, **parameters: str) -> Bundle:
    return bundle(shop, "packages", PARAMETERS | parameters)


def properties(bundle: Bundle, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bundle.body)["Resources"][name]["Properties"]
    return found


def test_local_paths_are_replaced_by_where_the_parts_lie(shop: Workshop) -> None:
    done = made(shop)
    (app,) = [key for key in done.uploads if key.startswith("AppFunction-")]
    (shared,) = [key for key in done.uploads if key.startswith("SharedLayer-")]
    (machine,) = [key for key in done.uploads if key.startswith("Machine-")]
    assert properties(done, "AppFunction")["CodeUri"] == f"s3://packages/{app}"
    assert properties(done, "SharedLayer")["ContentUri"] == f"s3://packages/{shared}"
    assert properties(done, "Machine")["DefinitionUri"] == {"Bucket": "packages", "Key": machine}
    assert (app.endswith(".zip"), machine.endswith(".json")) == (True, True)
    assert done.uploads[app].read_text() == "code 1"
    assert len(done.uploads) == 3


def test_an_image_is_named_by_its_content(shop: Workshop) -> None:
    before = properties(made(shop), "TasksFunction")["ImageUri"]
    shop.write_stamp("tasks", key="image 2")
    after = properties(made(shop), "TasksFunction")["ImageUri"]
    assert before != after
    assert before.startswith("gyre-tasks:") and after.startswith("gyre-tasks:")
    assert "latest" not in before


def test_what_only_sam_reads_is_left_out(shop: Workshop) -> None:
    assert "Metadata" not in json.loads(made(shop).body)["Resources"]["TasksFunction"]


CODE_CHANGES: dict[str, Callable[[Workshop], None]] = {
    "a function": lambda shop: write(shop.root / ".build/functions/app.zip", "code 2"),
    "a layer": lambda shop: write(shop.root / ".build/layers/shared.zip", "layer 2"),
    "a state machine": lambda shop: write(shop.root / "infra/machine.asl.json", '{"Comment": "2"}'),
    "the image": lambda shop: shop.write_stamp("tasks", key="image 2"),
}


@pytest.mark.parametrize("change", CODE_CHANGES)
def test_code_changes_the_body_and_not_the_shape(shop: Workshop, change: str) -> None:
    before = made(shop)
    CODE_CHANGES[change](shop)
    after = made(shop)
    assert after.body != before.body
    assert after.shape == before.shape


def test_a_commit_is_not_the_shape(shop: Workshop) -> None:
    assert made(shop, Commit="another").shape == made(shop).shape


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Timeout: 29", "Timeout: 28"),
        ("AWS::SQS::Queue", "AWS::SNS::Topic"),
        ("Handler: app.handler", "Handler: app.other"),
        ("  Queue:", "  Queue2:"),
        ("Commit: {Type: String}", "Commit: {Type: String, Default: x}"),
    ],
)
def test_anything_else_in_the_template_is_the_shape(shop: Workshop, old: str, new: str) -> None:
    before = made(shop)
    write(shop.template, shop.template.read_text().replace(old, new))
    assert made(shop).shape != before.shape


@pytest.mark.parametrize("parameters", [{"Environment": "dev"}, {"LogRetentionDays": "7"}])
def test_parameters_are_the_shape(shop: Workshop, parameters: dict[str, str]) -> None:
    assert made(shop, **parameters).shape != made(shop).shape


@pytest.mark.parametrize("file", [".build/functions/app.zip", ".build/layers/shared.zip"])
def test_a_missing_package_says_what_to_run(shop: Workshop, file: str) -> None:
    (shop.root / file).unlink()
    with pytest.raises(DeployError, match=f"{file} is missing: run `make package`"):
        made(shop)


def test_a_half_built_image_says_what_to_run(shop: Workshop) -> None:
    shop.drop_stamp("tasks")
    with pytest.raises(DeployError, match=r"\.build/images/gyre-tasks .*run `make package`"):
        made(shop)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [("functions/app", "functions/other", "AppFunction"), ("gyre-tasks:latest", "gyre-other:latest", "gyre-other")],
)
def test_what_nothing_builds_is_named(shop: Workshop, old: str, new: str, named: str) -> None:
    write(shop.template, shop.template.read_text().replace(old, new))
    with pytest.raises(DeployError, match=rf"nothing builds .*{named}.*recipe\.py"):
        made(shop)


def test_only_what_is_new_is_sent(shop: Workshop) -> None:
    with mock_aws():
        s3 = boto3.client("s3")
        done = made(shop)
        assert upload(s3, "packages", done.uploads) == sum(file.stat().st_size for file in done.uploads.values())
        assert upload(s3, "packages", done.uploads) == 0
        CODE_CHANGES["a function"](shop)
        assert upload(s3, "packages", made(shop).uploads) == len("code 2")

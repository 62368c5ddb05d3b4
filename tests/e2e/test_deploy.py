"""Deploying to the emulator, with a stack so small that each way it can go takes seconds."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.client import GyreClient
from infra.deploy import DeployError
from infra.deploy.emulator import deploy_to_emulator
from infra.deploy.stacks import Stack
from infra.deploy.target import Target
from infra.packaging import BuildError
from infra.packaging.build import build
from infra.packaging.recipe import Part, Source
from infra.packaging.workshop import ROOT, Workshop

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Environment: {Type: String}
  Commit: {Type: String}
  DataBucketName: {Type: String}
  ArtifactBucketName: {Type: String}
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub ${AWS::StackName}-echo
      CodeUri: functions/echo
      Runtime: python3.12
      Handler: app.handler
      Environment: {Variables: {COMMIT: !Ref Commit}}
  Kept: {Type: AWS::SQS::Queue}
Outputs:
  Kept: {Value: !Ref Kept}
"""


@dataclass
class Small:
    """A project of one function, and its stack."""

    shop: Workshop
    target: Target
    gyre: GyreClient
    said: list[str]

    def deploy(self, commit: str = "one") -> Stack:
        failures = build(self.shop)
        if failures:
            raise BuildError("; ".join(failures))
        return deploy_to_emulator(self.target, commit, self.shop, self.said.append)[1]

    def edit(self, change: dict[str, Any]) -> None:
        """Adds resources to the template."""
        more = yaml.safe_dump({"Resources": change}, indent=2).split("\n", 1)[1]
        self.shop.template.write_text(TEMPLATE.replace("Outputs:\n", f"{more}Outputs:\n"))

    def code(self, answer: str) -> None:
        path = self.shop.root / "functions/echo/app.py"
        path.write_text(f"import os\n\n\ndef handler(event, context):\n    return ['{answer}', os.environ['COMMIT']]\n")

    def answer(self) -> object:
        told = self.gyre.aws("lambda").invoke(FunctionName=f"{self.target.stack}-echo", Payload=b"{}")
        return json.load(told["Payload"])


@pytest.fixture
def small(gyre: GyreClient, tmp_path: Path) -> Iterator[Small]:
    stack = f"try-{uuid.uuid4().hex[:8]}"
    shop = Workshop(
        root=tmp_path,
        parts=(Part("echo", "functions/echo", (Source("functions/echo"),)),),
        report=lambda line: None,
    )
    for folder in ("functions/echo", "infra"):
        (tmp_path / folder).mkdir(parents=True)
    shop.template.write_text(TEMPLATE)
    storage = (ROOT / "infra/storage.yaml").read_text().replace("gyre-${Environment}", stack)
    (tmp_path / "infra/storage.yaml").write_text(storage)
    target = Target("local", stack, gyre.record.region, {"Environment": "local"}, gyre.record.endpoint_url)
    made = Small(shop, target, gyre, [])
    made.code("first")
    yield made
    cloudformation = gyre.aws("cloudformation")
    for name in (target.stack, target.storage_stack):
        cloudformation.delete_stack(StackName=name)


def test_new_code_is_updated_in_place(small: Small) -> None:
    before = small.deploy("one")
    assert small.answer() == ["first", "one"]
    small.code("second")
    after = small.deploy("two")
    assert small.answer() == ["second", "two"]
    assert after.outputs["Kept"] == before.outputs["Kept"]
    assert any("update the code" in line for line in small.said)


def test_nothing_new_is_nothing_done(small: Small) -> None:
    small.deploy("one")
    small.deploy("two")
    small.said.clear()
    small.deploy("two")
    assert any("nothing has changed" in line for line in small.said)
    # Back to what it was at first is a change as well.
    small.deploy("one")
    assert small.answer() == ["first", "one"]


def test_another_shape_is_made_anew_and_data_stays(small: Small) -> None:
    small.deploy()
    s3, bucket = small.gyre.aws("s3"), f"{small.target.stack}-data-"
    (name,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith(bucket)]
    s3.put_object(Bucket=name, Key="kept", Body=b"1")
    small.edit({"More": {"Type": "AWS::SQS::Queue"}})
    small.deploy()
    assert any("because the template has changed" in line for line in small.said)
    assert small.answer() == ["first", "one"]
    assert s3.get_object(Bucket=name, Key="kept")["Body"].read() == b"1"


def test_a_broken_resource_is_named_and_the_next_deploy_recovers(small: Small) -> None:
    """Given a stack that fell over half-way, when the template is mended, then a plain deploy brings it up."""
    small.edit({"Broken": {"Type": "AWS::SNS::Subscription", "Properties": {"Protocol": "carrier-pigeon"}}})
    with pytest.raises(DeployError, match="Broken"):
        small.deploy()
    small.shop.template.write_text(TEMPLATE)
    small.deploy()
    assert small.answer() == ["first", "one"]


def test_a_template_that_is_no_template_is_told_with_its_line(small: Small) -> None:
    small.shop.template.write_text("Resources:\n  A: [1\n  B: 2\n")
    with pytest.raises(BuildError, match=r"template\.yaml:\d+"):
        small.deploy()


def test_a_handler_that_cannot_be_imported_stops_before_anything_is_deployed(small: Small) -> None:
    (small.shop.root / "functions/echo/app.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(BuildError, match=r"echo.*nothing_of_that_name.*app\.py:1"):
        small.deploy()


def test_no_emulator_is_one_line_with_the_next_step(small: Small) -> None:
    away = Target("local", small.target.stack, "us-east-1", {}, "http://127.0.0.1:9")
    with pytest.raises(DeployError, match="make up"):
        deploy_to_emulator(away, "one", small.shop, small.said.append)

"""Reading a template: CloudFormation's tags, SAM's globals, and the repository's own template."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.packaging import BuildError
from infra.packaging.recipe import PARTS
from infra.packaging.template import architecture, functions, layers, load
from infra.packaging.workshop import ROOT, Workshop


def read(folder: Path, text: str) -> dict[str, object]:
    path = folder / "template.yaml"
    path.write_text(text)
    return load(path)


def test_short_tags_become_what_json_templates_have(tmp_path: Path) -> None:
    template = read(
        tmp_path,
        """
        AWSTemplateFormatVersion: 2010-09-09
        Conditions: {IsAws: !Not [!Equals [!Ref Environment, local]]}
        Resources:
          A:
            Value: !GetAtt Table.Stream.Arn
            Long: !GetAtt [Table, Arn]
            Name: !Sub ${AWS::StackName}-a
            Rich: !Sub ['${x}', {x: !Ref B}]
            Maybe: !If [IsAws, !ImportValue c, !Ref AWS::NoValue]
            When: !Condition IsAws
        """,
    )

    assert template["AWSTemplateFormatVersion"] == "2010-09-09"
    assert template["Conditions"] == {"IsAws": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Environment"}, "local"]}]}}
    assert template["Resources"] == {
        "A": {
            "Value": {"Fn::GetAtt": ["Table", "Stream.Arn"]},
            "Long": {"Fn::GetAtt": ["Table", "Arn"]},
            "Name": {"Fn::Sub": "${AWS::StackName}-a"},
            "Rich": {"Fn::Sub": ["${x}", {"x": {"Ref": "B"}}]},
            "Maybe": {"Fn::If": ["IsAws", {"Fn::ImportValue": "c"}, {"Ref": "AWS::NoValue"}]},
            "When": {"Condition": "IsAws"},
        }
    }


def test_globals_count_and_layers_of_both_are_joined(tmp_path: Path) -> None:
    template = read(
        tmp_path,
        """
        Globals: {Function: {Handler: app.handler, Layers: [!Ref Base]}}
        Resources:
          Base: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: ./layers/base/}}
          Extra: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/extra}}
          One: {Type: AWS::Serverless::Function, Properties: {CodeUri: functions/one}}
          Two:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: functions/two
              Handler: app.other
              Layers: [!If [IsAws, !Ref Extra, !Ref AWS::NoValue], !Sub 'arn:aws:lambda:x:1:layer:foreign:1']
          Three:
            Type: AWS::Serverless::Function
            Metadata: {DockerContext: .build/images/three}
            Properties: {PackageType: Image, ImageConfig: {Command: [app.train]}}
          Queue: {Type: AWS::SQS::Queue}
        """,
    )

    one, two, three = functions(template)

    assert (one.folder, one.handler, one.layers, one.image) == ("functions/one", "app.handler", ("Base",), False)
    assert (two.handler, two.layers) == ("app.other", ("Base", "Extra"))
    assert (three.folder, three.handler, three.layers, three.image) == (".build/images/three", "app.train", (), True)
    assert [(layer.logical_id, layer.folder) for layer in layers(template)] == [
        ("Base", "layers/base"), ("Extra", "layers/extra"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("common", "expected"), [("", "x86_64"), ("Globals: {Function: {Architectures: [arm64]}}", "arm64")]
)
def test_the_architecture_is_the_one_of_all_functions(tmp_path: Path, common: str, expected: str) -> None:
    assert architecture(read(tmp_path, f"{common}\nResources: {{}}")) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [("Resources: {A: [}", r"template\.yaml:1: "), ("just text", "declares no Resources"), (None, "is missing")],
)
def test_a_template_that_cannot_be_read_is_one_line(tmp_path: Path, text: str | None, message: str) -> None:
    with pytest.raises(BuildError, match=message) as caught:
        read(tmp_path, text) if text else load(tmp_path / "template.yaml")
    assert "\n" not in str(caught.value)


def test_the_parts_build_everything_that_the_repositorys_template_deploys() -> None:
    template = load(ROOT / "template.yaml")
    shop = Workshop()

    folders = {found.logical_id: found.folder for found in functions(template)}
    folders |= {found.logical_id: found.folder for found in layers(template)}

    assert {name: folder for name, folder in folders.items() if shop.part_at(folder) is None} == {}
    assert {part.name for part in PARTS} == {part.name for part in map(shop.part_at, folders.values()) if part}

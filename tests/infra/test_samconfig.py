"""samconfig.toml, the template and what sam makes of both."""

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.aws import sam_deploy
from infra.deploy.stacks import Stack
from infra.deploy.target import Target, target_named
from tests.infra.facts import ROOT, storage, template

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
ENVIRONMENTS = [name for name, section in CONFIG.items() if isinstance(section, dict) and "deploy" in section]
ON_AWS = [name for name in ENVIRONMENTS if name != "local"]
GIVEN_BY_THE_DEPLOYER = {"DataBucketName", "ArtifactBucketName", "Commit"}
# sam's own reader of `--parameter-overrides`.
READER = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType
print(json.dumps(CfnParameterOverridesType().convert(json.loads(sys.argv[1]), None, None)))
"""


def quiet() -> dict[str, str]:
    return {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}


def as_sam_reads(overrides: list[str]) -> dict[str, str]:
    command = [str(ROOT / ".venv/sam/bin/python"), "-c", READER, json.dumps(overrides)]
    done = subprocess.run(command, env=quiet(), capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def parameters(environment: str) -> dict[str, Any]:
    found: dict[str, Any] = CONFIG[environment]["deploy"]["parameters"]
    return found


def test_its_environments_are_the_templates() -> None:
    allowed = template()["Parameters"]["Environment"]["AllowedValues"]
    assert ENVIRONMENTS == allowed == storage()["Parameters"]["Environment"]["AllowedValues"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_gives_what_the_template_asks_for(environment: str) -> None:
    target = target_named(environment)
    asked = template()["Parameters"]
    assert target.parameters["Environment"] == environment
    assert set(target.parameters) <= set(asked) - GIVEN_BY_THE_DEPLOYER
    required = {name for name, told in asked.items() if "Default" not in told}
    assert required <= set(target.parameters) | GIVEN_BY_THE_DEPLOYER
    assert target.stack == f"gyre-{environment}"


@pytest.mark.parametrize("environment", ON_AWS)
def test_an_environment_on_aws_needs_no_questions(environment: str) -> None:
    told = parameters(environment)
    assert told["capabilities"] == ["CAPABILITY_IAM"]
    assert told["resolve_s3"] and told["resolve_image_repos"]
    assert told["confirm_changeset"] is (environment == "production")


@pytest.mark.parametrize("environment", ON_AWS)
def test_sam_reads_the_file_as_we_do(environment: str) -> None:
    assert as_sam_reads(parameters(environment)["parameter_overrides"]) == target_named(environment).parameters


def test_sam_reads_our_command_as_we_mean_it() -> None:
    target = Target("dev", "gyre-dev", "us-east-1", {"Environment": "dev", "MonitoringSchedule": "rate(6 hours)"})
    stack = Stack("gyre-dev-storage", "CREATE_COMPLETE", {"DataBucket": "data", "ArtifactBucket": "artifacts"}, {})
    assert as_sam_reads(sam_deploy(target, stack, "c0ffee")[5:]) == {
        "Environment": "dev",
        "MonitoringSchedule": "rate(6 hours)",
        "DataBucketName": "data",
        "ArtifactBucketName": "artifacts",
        "Commit": "c0ffee",
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_logs_are_kept_for_a_time_that_cloudwatch_knows(environment: str) -> None:
    known = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
    assert int(target_named(environment).parameters["LogRetentionDays"]) in known


def test_cfn_lint_finds_nothing() -> None:
    command = [str(ROOT / ".venv/sam/bin/cfn-lint"), "template.yaml", "infra/storage.yaml"]
    done = subprocess.run(command, cwd=ROOT, env=quiet(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_sam_validates_the_template(tmp_path: Path) -> None:
    environment = {**quiet(), "__SAM_CLI_APP_DIR": str(tmp_path)}
    command = [str(ROOT / ".venv/sam/bin/sam"), "validate", "--lint"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

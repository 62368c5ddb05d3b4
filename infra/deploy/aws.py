"""Deploys to AWS: the storage stack, then `sam build` and `sam deploy` with what samconfig.toml says."""

import os
import subprocess
from typing import Any

import boto3

from infra.deploy import DeployError
from infra.deploy.stacks import Prepare, Say, Stack, Stacks, stack_parameters
from infra.deploy.target import ROOT, Target

SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
AWS_POLL_SECONDS = 3.0


def deploy_to_aws(target: Target, commit: str, say: Say, prepare: Prepare | None = None) -> tuple[Stack, Stack]:
    """The storage stack, what has to lie in it, and the main stack."""
    stacks = Stacks(boto3.client("cloudformation"), say, AWS_POLL_SECONDS)
    storage = _storage(target, stacks, say)
    if prepare:
        prepare(storage)
    _run([str(SAM), "build"], say)
    _run(sam_deploy(target, storage, commit), say)
    stack = stacks.find(target.stack)
    if stack is None:
        raise DeployError(f"sam deployed {target.stack}, and CloudFormation does not know it; look at sam's output")
    return storage, stack


def sam_deploy(target: Target, storage: Stack, commit: str) -> list[str]:
    """On the command line parameters replace those of samconfig.toml as a whole, so all of them are given."""
    parameters = stack_parameters(target, storage, commit)
    told = [f'{name}="{value}"' for name, value in parameters.items()]
    return [str(SAM), "deploy", "--config-env", target.environment, "--parameter-overrides", *told]


def _storage(target: Target, stacks: Stacks, say: Say) -> Stack:
    request: dict[str, Any] = {
        "TemplateBody": (ROOT / "infra" / "storage.yaml").read_text(),
        "Parameters": [{"ParameterKey": "Environment", "ParameterValue": target.environment}],
    }
    found = stacks.wait_while_busy(target.storage_stack)
    if found and found.status in ("ROLLBACK_COMPLETE", "CREATE_FAILED"):
        raise DeployError(
            f"the stack {found.name} was never made whole ({found.status}). Turn off its termination protection,"
            f" delete it (`aws cloudformation delete-stack --stack-name {found.name}`), then deploy again"
        )
    say(f"{target.storage_stack}: {'update' if found else 'create'}")
    if found:
        return stacks.update(target.storage_stack, **request)
    return stacks.create(target.storage_stack, EnableTerminationProtection=True, **request)


def _run(command: list[str], say: Say) -> None:
    """sam shows its own progress."""
    say(" ".join(["sam", *command[1:3]]))
    try:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "SAM_CLI_TELEMETRY": "0"})
    except FileNotFoundError:
        raise DeployError(".venv/sam is missing: run `make setup`") from None
    if done.returncode:
        raise DeployError(f"`sam {command[1]}` ended with {done.returncode}; its last lines say why")

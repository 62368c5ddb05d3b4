"""Deploys to the emulator: seconds, so a change of more than code is a stack made anew (its data lies in another)."""

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3

from infra.deploy import DeployError
from infra.deploy.bundle import Bundle, bundle, upload
from infra.deploy.stacks import Prepare, Say, Stack, Stacks, stack_parameters
from infra.deploy.target import Target
from infra.packaging.template import load
from infra.packaging.workshop import Workshop

SHAPE_TAG = "gyre:shape"
# Not a tag: the emulator keeps a stack's tags as they were when it was created.
CONTENT_OUTPUT = "Content"
# CloudFormation takes no larger template in a call, on AWS as on the emulator; sam sends one from S3 by itself.
MOST_BODY_BYTES = 51_200


def deploy_to_emulator(
    target: Target, commit: str, shop: Workshop, say: Say, prepare: Prepare | None = None
) -> tuple[Stack, Stack]:
    """The storage stack, what has to lie in it, and the main stack, as the working tree has them."""
    check_emulator(target)
    stacks = Stacks(boto3.client("cloudformation"), say)
    storage = _storage(target, stacks, shop.root / "infra" / "storage.yaml", say)
    if prepare:
        prepare(storage)
    packages = f"{target.stack}-packages"
    parameters = stack_parameters(target, storage, commit)
    made = bundle(shop, packages, parameters)
    sent = upload(boto3.client("s3"), packages, made.uploads)
    say(f"{len(made.uploads)} packages, {sent / 1e6:.0f} MB of them new")
    return storage, _main(target, stacks, made, parameters, say)


def check_emulator(target: Target) -> None:
    """It answers, and it is one."""
    try:
        with urllib.request.urlopen(f"{target.endpoint}/_localstack/health", timeout=10) as answer:  # noqa: S310
            json.load(answer)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise DeployError(f"no emulator answers on {target.endpoint} ({error}): run `make up`") from None


def api_url(target: Target, stack: Stack) -> str:
    return f"{target.endpoint}/_aws/execute-api/{stack.outputs['ApiId']}/v1"


def _storage(target: Target, stacks: Stacks, file: Path, say: Say) -> Stack:
    body = json.dumps(load(file))
    shape = hashlib.sha256(body.encode()).hexdigest()[:16]
    found = stacks.wait_while_busy(target.storage_stack)
    if found is None:
        say(f"{target.storage_stack}: create")
        return stacks.create(target.storage_stack, **_request(body, {"Environment": target.environment}, shape))
    if not found.usable:
        raise DeployError(f"the stack {found.name} is {found.status}: `make down up` gives a fresh emulator")
    if found.tags.get(SHAPE_TAG) != shape:
        # The emulator says UPDATE_COMPLETE over a changed bucket and changes nothing.
        say(f"{target.storage_stack}: infra/storage.yaml has changed; `make down up deploy` brings it in")
    return found


def _main(target: Target, stacks: Stacks, made: Bundle, parameters: dict[str, str], say: Say) -> Stack:
    """Updates code in place; the emulator does anything else by half, so then the stack is made anew."""
    content = hashlib.sha256(json.dumps([made.body, made.shape, parameters], sort_keys=True).encode()).hexdigest()[:16]
    request = _sendable(target, _request(_with_output(made.body, CONTENT_OUTPUT, content), parameters, made.shape))
    found = stacks.wait_while_busy(target.stack)
    if found and found.usable and found.outputs.get(CONTENT_OUTPUT) == content:
        say(f"{target.stack}: nothing has changed")
        return found
    if found and found.usable and found.tags.get(SHAPE_TAG) == made.shape:
        say(f"{target.stack}: update the code")
        return stacks.update(target.stack, **request)
    if found:
        why = "the template has changed" if found.usable else f"it is {found.status.lower().replace('_', ' ')}"
        say(f"{target.stack}: make it anew, because {why}")
        stacks.delete(target.stack)
    else:
        say(f"{target.stack}: create")
    _drop_leftover_logs(target)
    return stacks.create(target.stack, **request)


def _request(body: str, parameters: dict[str, str], shape: str) -> dict[str, Any]:
    return {
        "TemplateBody": body,
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Tags": [{"Key": SHAPE_TAG, "Value": shape}],
    }


def _sendable(target: Target, request: dict[str, Any]) -> dict[str, Any]:
    """A template that is too large for a call lies beside the packages, and the call says where."""
    body = request["TemplateBody"].encode()
    if len(body) <= MOST_BODY_BYTES:
        return request
    bucket, key = f"{target.stack}-packages", f"template-{hashlib.sha256(body).hexdigest()[:16]}.json"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    others = {name: value for name, value in request.items() if name != "TemplateBody"}
    return {"TemplateURL": f"{target.endpoint}/{bucket}/{key}", **others}


def _with_output(body: str, name: str, value: str) -> str:
    template = json.loads(body)
    template.setdefault("Outputs", {})[name] = {"Value": value}
    return json.dumps(template)


def _drop_leftover_logs(target: Target) -> None:
    """A function's last lines may bring back its log group after the stack is gone; the next stack would stumble."""
    logs = boto3.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{target.stack}-"):
        for group in page["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])

"""The five things that no setting of LocalStack 4.14 can change."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from typing import Any

from botocore.config import Config
from localstack import config, constants
from localstack.aws.api.lambda_ import TooManyRequestsException
from localstack.services.cloudformation.resource_provider import ResourceProviderExecutor
from localstack.services.lambda_.invocation.assignment import AssignmentService
from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment
from localstack.services.stepfunctions.asl.utils import boto_client
from localstack.utils.catalog.catalog_loader import RemoteCatalogLoader
from localstack.utils.catalog.common import AwsRemoteCatalog, LocalstackEmulatorType, LocalStackMetadata

SECONDS_BETWEEN_QUESTIONS = 0.1

_applied = threading.Event()


def apply() -> None:
    if not _applied.is_set():
        _applied.set()
        pass_client_context()
        cap_environments()
        know_resource_types_offline()
        ask_often()
        try_closed_connections_again()


def pass_client_context() -> None:
    """LocalStack drops the client context before the executor sees it."""
    original = ExecutionEnvironment.invoke

    def invoke(self: ExecutionEnvironment, invocation: Any) -> Any:
        # An environment runs one call at a time, so this cannot be another call's.
        self.runtime_executor.client_context = plain_client_context(invocation.client_context)
        return original(self, invocation)

    ExecutionEnvironment.invoke = invoke


def plain_client_context(given: str | None) -> str | None:
    """The caller sends base64, the function gets JSON in a header: one line, ASCII."""
    if not given:
        return None
    try:
        return json.dumps(json.loads(base64.b64decode(given)))
    except ValueError:
        return given  # the runtime client says what is wrong with it


def cap_environments() -> None:
    """A burst of a hundred calls must not start a hundred processes on a laptop: the rest wait for a warm one.

    LocalStack's own limit (LAMBDA_LIMITS_CONCURRENT_EXECUTIONS) is one number for the whole account and turns the
    surplus away at once; AWS would run it. It and reserved concurrency still apply, before this.
    """
    most = int(os.environ.get("GYRE_EMULATOR_CONCURRENCY") or 4)
    seconds = float(os.environ.get("GYRE_EMULATOR_QUEUE_SECONDS") or 300)
    gates: dict[str, tuple[threading.BoundedSemaphore, threading.Lock]] = {}
    original = AssignmentService.get_environment

    @contextlib.contextmanager
    def get_environment(
        self: AssignmentService, version_manager_id: str, *arguments: Any, **named: Any
    ) -> Iterator[Any]:
        # setdefault is atomic, so two first calls share one gate.
        gate, choosing = gates.setdefault(version_manager_id, (threading.BoundedSemaphore(most), threading.Lock()))
        if not gate.acquire(timeout=seconds):
            raise TooManyRequestsException("Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded", Type="User")
        try:
            with contextlib.ExitStack() as environments:
                # One at a time: LocalStack walks through the version's environments while others are added.
                with choosing:
                    chosen = original(self, version_manager_id, *arguments, **named)
                    environment = environments.enter_context(chosen)
                yield environment
        finally:
            gate.release()

    AssignmentService.get_environment = get_environment


def know_resource_types_offline() -> None:
    """With CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES=0 LocalStack asks its maker's server which types exist, and without an
    answer takes every type for unsupported. Which ones it has itself it knows without asking."""

    def nothing_remote(_: RemoteCatalogLoader) -> AwsRemoteCatalog:
        own = LocalStackMetadata(version=constants.VERSION)
        return AwsRemoteCatalog(
            schema_version="v1",
            localstack=own,
            services={},
            cloudformation_resources={LocalstackEmulatorType.COMMUNITY: {}},
        )

    RemoteCatalogLoader.get_remote_catalog = nothing_remote


def try_closed_connections_again() -> None:
    """State machines call functions over HTTP, and a connection that idled may be closed right as it is used. The state
    would fail with an error that nothing can catch; AWS tells nobody of such things."""
    again = Config(retries={"mode": "standard", "total_max_attempts": 3})
    boto_client._BOTO_CLIENT_CONFIG = boto_client._BOTO_CLIENT_CONFIG.merge(again)


def ask_often() -> None:
    """CloudFormation asks once a second whether a resource is there; here most are within a few hundredths.

    The settings for it count whole seconds, or questions without a pause: those run out before a large function is
    unpacked, and keep a core busy meanwhile.
    """
    config.BOTO_WAITER_DELAY = SECONDS_BETWEEN_QUESTIONS
    config.BOTO_WAITER_MAX_ATTEMPTS = round(config.CFN_PER_RESOURCE_TIMEOUT / SECONDS_BETWEEN_QUESTIONS)
    original = ResourceProviderExecutor.deploy_loop

    def deploy_loop(self: ResourceProviderExecutor, *arguments: Any, **named: Any) -> Any:
        return original(self, *arguments, **{"sleep_time": SECONDS_BETWEEN_QUESTIONS, **named})

    ResourceProviderExecutor.deploy_loop = deploy_loop

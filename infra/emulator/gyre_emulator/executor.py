"""What LocalStack sees of an execution environment."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from localstack.aws.api.lambda_ import PackageType
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from gyre_emulator.content import ContentError, image_folder, merge_layers, search_paths
from gyre_emulator.sandbox import Blueprint, Call, Sandbox
from gyre_emulator.settings import MARKER, RUNTIME

# LocalStack's private channel to the supervisor in its containers, which is not here.
NOT_FOR_FUNCTIONS = ("LOCALSTACK_RUNTIME_ID", "LOCALSTACK_RUNTIME_ENDPOINT", "LOCALSTACK_FUNCTION_ACCOUNT_ID")


class ProcessRuntimeExecutor(RuntimeExecutor):  # type: ignore[misc]  # LocalStack ships no types
    """One execution environment. It outlives its process: after a crash or a timeout the next call gets a new one."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002  # LocalStack's name
        super().__init__(id, function_version)
        self.client_context: str | None = None  # set by patches.py: LocalStack does not pass it on
        self._blueprint: Blueprint | None = None
        self._sandbox: Sandbox | None = None
        self._stopped = False
        self._changing = threading.Lock()

    def start(self, env_vars: dict[str, Any]) -> None:
        """Starts the process and does not wait for it: an init that fails belongs to the first call, with its log."""
        self._blueprint = blueprint(self.function_version, env_vars)
        with self._changing:
            self._sandbox = Sandbox(self._blueprint)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        call = Call(
            payload["invoke-id"],
            payload["invoked-function-arn"],
            payload["payload"].encode(),
            payload.get("trace-id", ""),
            self.client_context,
        )
        outcome = self._usable().call(call)
        return InvocationResult(call.request_id, outcome.payload, outcome.is_error, outcome.logs)

    def stop(self) -> None:
        with self._changing:
            self._stopped = True
            if self._sandbox is not None:
                self._sandbox.stop()

    def get_logs(self) -> str:
        return self._sandbox.output() if self._sandbox else ""

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return "http://127.0.0.1"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """What can be wrong with a function is said when it is created, not when it is called."""
        config = function_version.config
        if config.package_type == PackageType.Image:
            image_handler(function_version)
            image_folder(config.image.image_uri, images())
            return
        if config.runtime != RUNTIME:
            raise ContentError(f"this emulator runs {RUNTIME}, not {config.runtime}")
        config.code.prepare_for_execution()
        layers(function_version)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Nothing is left: LocalStack removes the code, the sandbox its own folder."""

    @classmethod
    def validate_environment(cls) -> bool:
        return True

    def _usable(self) -> Sandbox:
        with self._changing:
            if self._stopped or self._blueprint is None or self._sandbox is None:
                raise RuntimeError("the execution environment is stopped")
            if not self._sandbox.usable:
                self._sandbox.stop()
                self._sandbox = Sandbox(self._blueprint)
            return self._sandbox


def blueprint(function_version: FunctionVersion, env_vars: dict[str, Any]) -> Blueprint:
    """Everything about a function that its processes need."""
    config = function_version.config
    python = Path(os.environ["GYRE_FUNCTION_PYTHON"])
    if config.package_type == PackageType.Image:
        task_root, opt = image_folder(config.image.image_uri, images()), None
        handler = image_handler(function_version)
    else:
        task_root, opt = Path(config.code.get_unzipped_code_location()), layers(function_version)
        handler = config.handler
    given = {name: str(value) for name, value in env_vars.items() if value is not None}
    for name in NOT_FOR_FUNCTIONS:
        given.pop(name, None)
    paths = search_paths(python, task_root, opt, given.pop("PYTHONPATH", ""))
    return Blueprint(
        python=python,
        handler=handler,
        task_root=task_root,
        memory_megabytes=config.memory_size,
        timeout_seconds=config.timeout,
        version=function_version.id.qualifier,
        environment={
            "LANG": "en_US.UTF-8",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
            **paths,
            **given,
            "LAMBDA_RUNTIME_DIR": str(python.parent.parent),
            MARKER: os.environ[MARKER],
        },
    )


def layers(function_version: FunctionVersion) -> Path | None:
    """Unpacks the layers where LocalStack wants them and merges them as AWS does."""
    folders = []
    for layer in function_version.config.layers:
        layer.code.prepare_for_execution()
        folders.append(Path(layer.code.get_unzipped_code_location()))
    return merge_layers(folders)


def images() -> Path:
    return Path(os.environ["GYRE_IMAGES"])


def image_handler(function_version: FunctionVersion) -> str:
    config = function_version.config
    if not config.image_config or not config.image_config.command:
        raise ContentError(f"{function_version.id.function_name} needs ImageConfig.Command: it names the handler")
    handler: str = config.image_config.command[0]
    return handler

"""What LocalStack loads for LAMBDA_RUNTIME_EXECUTOR=process."""

from __future__ import annotations

from typing import Any

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]  # LocalStack ships no types
    """Names the executor; heavy imports wait until a function is created."""

    name = "process"

    def load(self, *_: Any, **__: Any) -> Any:
        from gyre_emulator.executor import ProcessRuntimeExecutor

        return ProcessRuntimeExecutor

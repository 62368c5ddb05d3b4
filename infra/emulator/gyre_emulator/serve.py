"""The emulator's process: LocalStack's own runtime, once it is certain that functions run in our executor."""

from __future__ import annotations

import logging
import os
import sys
import threading

from localstack import config
from localstack.runtime import events
from localstack.runtime.main import main as run_localstack
from localstack.services.cloudformation.engine.policy_loader import create_policy_loader
from localstack.services.lambda_.invocation.runtime_executor import EXECUTOR_PLUGIN_MANAGER
from localstack.services.plugins import SERVICE_PLUGINS

from gyre_emulator import patches

# In the order in which a deployment asks for them.
PRELOADED = ["s3", "sts", "cloudformation", "iam", "lambda", "logs", "sqs", "apigateway"]
PRELOADED += ["stepfunctions", "events", "sns", "cloudwatch"]
LOG = logging.getLogger(__name__)


def main() -> None:
    executor = config.LAMBDA_RUNTIME_EXECUTOR
    # LocalStack falls back to Docker without a word when it does not know the executor.
    if not EXECUTOR_PLUGIN_MANAGER.exists(executor):
        sys.exit(f"ImportError: the executor plug-in {executor!r} is not installed")
    # CloudWatch's database wants this folder before anybody creates it.
    os.makedirs(config.dirs.data, exist_ok=True)
    patches.apply()
    threading.Thread(target=preload, name="gyre-preload", daemon=True).start()
    try:
        run_localstack()
    except SystemExit as end:
        # All is stopped by now; threads that still sleep in a poll would hold the process for seconds.
        sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


def preload() -> None:
    """Loads the services while the user's deployment still packages: on first use they would cost it seconds."""
    events.infra_ready.wait()
    for service in PRELOADED:
        if events.infra_stopping.is_set():
            return
        try:
            SERVICE_PLUGINS.require(service)
            if service == "iam":
                # SAM's transform wants the names of all managed policies: seconds, once.
                create_policy_loader().load()
        except Exception:  # whoever asks for this service gets the reason
            LOG.debug("could not preload %s", service, exc_info=True)


if __name__ == "__main__":
    main()

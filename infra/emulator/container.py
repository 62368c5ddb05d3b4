"""The emulator as a container's only program: in the foreground, its log on the output, with the settings of `make up`.

python container.py run | health
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from gyre_emulator import control
from gyre_emulator.settings import Settings


def run(settings: Settings) -> None:
    """Becomes LocalStack; never returns."""
    control.check_interpreters(settings)
    control.check_function_python(settings)
    control.clear(settings)
    environment = settings.environment()
    environment["PYTHONPATH"] = str(control.PACKAGE.parent)
    # LocalStack would see the container and use /var/lib/localstack, as in its own image, not FILESYSTEM_ROOT.
    environment["OVERRIDE_IN_DOCKER"] = "0"
    os.chdir(settings.home)
    sys.stdout.flush()
    python = str(settings.emulator_python)
    os.execve(python, [python, "-P", "-m", "gyre_emulator.serve"], environment)  # noqa: S606


def main(arguments: list[str]) -> int:
    settings = Settings.from_environment()
    if arguments == ["health"]:
        return 0 if control.is_healthy(settings.url) else 1
    if arguments != ["run"]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        # Only this container's network sees this address; what is published is the host's decision.
        run(replace(settings, listen=f"0.0.0.0:{settings.port}"))
    except control.EmulatorError as error:
        print(f"emulator: {error}\n{error.details}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

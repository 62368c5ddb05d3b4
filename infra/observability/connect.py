"""Puts Prometheus' configuration beside a deployment's address and key: python -m infra.observability.connect"""

import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from infra.deploy import DeployError
from infra.deploy.record import StackRecord, environment_path, read_record, record_path

HERE = Path(__file__).resolve().parent
FILES = ("prometheus.yml", "alerts.yml")


def connect(record: StackRecord, folder: Path) -> Path:
    """The configuration that `prometheus --config.file` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(HERE / name, folder / name)
    (folder / "targets.json").write_text(json.dumps([target(record)], indent=1) + "\n")
    key = folder / "key"
    key.unlink(missing_ok=True)
    # For its owner's eyes alone.
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(record.api_key)
    return folder / FILES[0]


def target(record: StackRecord) -> dict[str, object]:
    """As Prometheus reads a target from a file: where /metrics is, and what its figures are marked with."""
    address = urlsplit(record.api_url)
    return {
        "targets": [address.netloc],
        "labels": {
            "__scheme__": address.scheme,
            "__metrics_path__": f"{address.path.rstrip('/')}/metrics",
            "environment": record.environment,
            "stack": record.stack,
        },
    }


def main(arguments: list[str]) -> int:
    """Of the current deployment, or of the one of an environment."""
    try:
        record = read_record(environment_path(arguments[0]) if arguments else None)
    except DeployError as error:
        print(f"connect: {error}", file=sys.stderr)
        return 1
    made = connect(record, record_path().parent / "observability" / record.environment)
    print(f"prometheus --config.file={os.path.relpath(made)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

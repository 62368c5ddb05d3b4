"""Commands for the file as a whole.

python -m gyre.aws.mlflow_store upgrade s3+sqlite://bucket/key   raise it to the schema of this MLflow
"""

from __future__ import annotations

import argparse
import sys

from gyre.errors import GyreError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m gyre.aws.mlflow_store", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("command", choices=["upgrade"])
    parser.add_argument("uri")
    options = parser.parse_args(arguments)
    try:
        from gyre.aws.mlflow_store import schema

        before, after = schema.upgrade(options.uri)
    except GyreError as error:
        sys.stderr.write(f"mlflow_store: {error.message}\n")
        return 1
    sys.stdout.write(f"{options.uri}: schema {before} -> {after}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""JSON logs: one object a line, with the function's name and what never changes in it."""

from typing import Any

from aws_lambda_powertools import Logger


def logger(service: str, level: str = "INFO", **fixed: Any) -> Logger:
    """A function's logger; `fixed` is repeated in each line (environment, commit)."""
    made = Logger(service=service, level=level, utc=True)
    made.append_keys(**fixed)
    return made

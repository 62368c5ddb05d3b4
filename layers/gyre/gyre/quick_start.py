"""Imported before all else by a function that a caller waits for. What is made while it starts stays for as long as it
runs: to look through that for rubbish, again and again, is an eighth of a cold start."""

import gc
import os

if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE"):  # where it is Lambda that imports
    gc.disable()


def started() -> None:
    """What is there stays, and what comes from now on is looked through as ever."""
    gc.freeze()
    gc.enable()

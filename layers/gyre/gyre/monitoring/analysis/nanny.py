"""NannyML, as this house imports it: without word to its makers, and without the learner that nobody here asks for."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any


class NoLearner:
    """In place of `flaml.AutoML`, which comes with xgboost alone and which NannyML imports for settings that nobody
    here uses: a search for parameters, and the domain classifier."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("flaml has no AutoML here: xgboost is left out of the science image.")


@cache
def nannyml() -> Any:
    """The library; the first call imports it, which takes seconds."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flaml: Any = import_module("flaml")
        if not hasattr(flaml, "AutoML"):
            flaml.AutoML = NoLearner
        import nannyml as imported  # type: ignore[import-untyped]
    # It warns of few chunks and of thresholds that nobody reads, once a column.
    logging.getLogger("nannyml").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"nannyml(\.|$)")
    return imported


@contextmanager
def hushed() -> Iterator[None]:
    """Around its calculators: numpy and scipy warn from inside them of single chunks and of roots of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

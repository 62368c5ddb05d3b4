"""shap's compiled kernel without shap: the package would import scipy, pandas and scikit-learn."""

from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

from gyre.errors import Unavailable


@cache
def kernel() -> Any:
    """The extension module, found where the package `shap` lies, of which a serving layer holds this one file."""
    package = PathFinder.find_spec("shap")
    found = PathFinder.find_spec("_cext", package.submodule_search_locations) if package else None
    if found is None or found.loader is None:
        raise Unavailable("shap's compiled kernel (shap/_cext) is not installed here: predictions cannot be explained.")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module

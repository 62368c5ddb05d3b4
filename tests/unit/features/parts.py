"""Specs and columns for the tests of this room."""

from textwrap import dedent, indent

import numpy as np

from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec


def spec(columns: str, derived: str = "") -> ModelSpec:
    """A model with these columns beside its target `y`, each written as `name: {…}, name: {…}`."""
    text = f"model: m\ntask: binary\ntarget: y\ncolumns: {{y: {{type: category}}, {columns}}}\n"
    return read_spec(text + (f"derived:\n{indent(dedent(derived.strip(chr(10))), '  ')}\n" if derived else ""))


def objects(*values: str | None) -> np.ndarray:
    """A column of categories or texts."""
    return np.array([*values, None], dtype=object)[:-1]

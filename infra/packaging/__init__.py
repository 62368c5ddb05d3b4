"""Builds what Lambda runs: zip functions, layers, the science image's folder. The same bytes each time."""


class BuildError(Exception):
    """One line: which part failed, on what, and what to do about it."""

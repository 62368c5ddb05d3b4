"""Gyre: the whole model loop, serverless."""

__version__ = "0.1.0"

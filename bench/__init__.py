"""The speeds we promise, measured."""

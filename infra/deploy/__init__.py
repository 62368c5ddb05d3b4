"""Puts the stack where it should run: on the emulator, or on AWS through sam."""


class DeployError(Exception):
    """What went wrong, where, and what to do next: one line."""

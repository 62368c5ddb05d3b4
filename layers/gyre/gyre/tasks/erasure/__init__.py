"""The tasks of the erasure's state machine."""

"""The tasks of the state machine that watches."""

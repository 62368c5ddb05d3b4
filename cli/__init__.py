"""The Python client and the commands for people."""

"""LocalStack without Docker: every Lambda execution environment is a process that runs AWS's own runtime client."""

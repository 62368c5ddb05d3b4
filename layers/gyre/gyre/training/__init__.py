"""Training: how a run starts and how it is told."""

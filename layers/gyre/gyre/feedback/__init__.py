"""What turned out to be true of predictions: who said so, and what counts."""

"""From the columns of a row to what a model sees: the same code when it is trained and when it serves."""

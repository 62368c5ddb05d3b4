"""Predictions for a whole file: planned, made range by range side by side, put together again."""

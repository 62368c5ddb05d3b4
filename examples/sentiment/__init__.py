"""Negative, neutral or positive: short reviews of things bought."""

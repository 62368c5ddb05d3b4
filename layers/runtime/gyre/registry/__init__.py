"""Releases: which bundle serves."""

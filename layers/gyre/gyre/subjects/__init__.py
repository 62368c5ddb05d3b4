"""Persons in the data: what is kept about one, and how it is erased."""

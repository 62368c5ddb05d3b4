"""The page about a look."""

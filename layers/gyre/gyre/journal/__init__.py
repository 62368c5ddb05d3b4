"""The journal: every prediction, once."""

"""How good answers are: figures, with how sure they are, and between whom they differ."""

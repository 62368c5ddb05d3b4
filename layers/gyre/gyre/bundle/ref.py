"""Which bundle is meant: told by those who release one, and have nothing to read it with."""

from dataclasses import dataclass

MANIFEST = "manifest.json"
"""Names every part of a bundle with its SHA-256; its own is the bundle's hash."""

REFERENCE = "reference.json"
"""What the training part looked like."""


@dataclass(frozen=True)
class BundleRef:
    """Where a bundle lies, and what it must be."""

    key: str
    """Of its folder, with the slash."""
    hash: str
    size: int
    """Bytes of everything together."""

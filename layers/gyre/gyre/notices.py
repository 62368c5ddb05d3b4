"""What Gyre needs of SNS: a person hears of something."""

from collections.abc import Mapping
from typing import Any, Protocol


class Notices(Protocol):
    """Where people hear of what they should."""

    def tell(self, subject: str, message: Mapping[str, Any]) -> None:
        """Tells it to whoever listens, or says `Unavailable`. `kind` in the message is for programs."""

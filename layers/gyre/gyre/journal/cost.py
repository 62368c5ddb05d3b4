"""What one call costs on AWS, about: Lambda's time and request, and the message that its record is."""

from math import ceil

from gyre.journal.record import JournalRecord

# List prices of us-east-1 for x86 in US dollars, without free tiers; gateway, transfer and storage come on top.
PER_GB_SECOND, PER_REQUEST, PER_MESSAGE = 0.0000166667, 0.0000002, 0.0000004


def cost(record: JournalRecord) -> float | None:
    """Of the call itself, in US dollars; none where no Lambda function answered it. Starting an environment is billed,
    too, and is not in it."""
    if record.memory_mb is None:
        return None
    return ceil(record.duration_ms) / 1000 * record.memory_mb / 1024 * PER_GB_SECOND + PER_REQUEST + PER_MESSAGE

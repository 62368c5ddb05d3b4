"""What Lambda takes back from a function: it drops what is larger, and the gateway says 502."""

# Without the answer's headers; below half of it nobody counts.
MOST_ANSWER = 6_280_000


def size_in_lambda(body: bytes, *, is_text: bool) -> int:
    """Lambda puts an answer into a JSON text of its own, or into base64."""
    if len(body) < MOST_ANSWER // 2:
        return len(body)
    return len(body) + body.count(b'"') + body.count(b"\\") if is_text else len(body) * 4 // 3

"""Delta tables in S3: what the journal and the datasets have in common."""

import os


def storage_options(uri: str) -> dict[str, str]:
    """S3's own conditional writes order the commits; an emulator speaks plain HTTP. A folder needs nothing."""
    if not uri.startswith("s3://"):
        return {}
    options = {"aws_conditional_put": "etag"}
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        options |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()}
    return options

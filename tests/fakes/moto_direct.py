"""What Gyre asks of AWS without botocore, answered by moto in this process: no socket is opened."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from moto.core.models import botocore_stubber

from gyre.aws.direct import Answer, Service
from gyre.aws.signing import Request


@contextmanager
def answered_by_moto() -> Iterator[None]:
    """To be used within `mock_aws`."""

    def once(self: Service, asked: Request) -> Answer:
        url = f"https://{asked.host}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        headers = HeadersDict({**asked.headers, "host": asked.host})
        found = botocore_stubber.process_request(AWSPreparedRequest(asked.method, url, headers, asked.body, False))
        assert found, f"moto knows nothing of {url}"
        status, told, content = found
        plain = content.encode() if isinstance(content, str) else content
        return Answer(status, {name.lower(): str(value) for name, value in told.items()}, plain)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Service, "_once", once)
        yield

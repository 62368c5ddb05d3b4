"""What Gyre asks of AWS without botocore, answered by moto in this process: no socket is opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from moto.core.models import botocore_stubber

from gyre.aws.direct import Answer, Service, credentials
from gyre.aws.signing import Request, signed


@contextmanager
def answered_by_moto() -> Iterator[None]:
    """To be used within `mock_aws`."""

    def once(self: Service, asked: Request) -> Answer:
        url = f"https://{asked.host}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        # Without a signature moto's S3 takes the caller for nobody.
        headers = HeadersDict(signed(asked, credentials(), self._name, self._region, datetime.now(UTC)))
        headers["host"] = asked.host
        found = botocore_stubber.process_request(AWSPreparedRequest(asked.method, url, headers, asked.body, False))
        assert found, f"moto knows nothing of {url}"
        status, told, content = found
        plain = content.encode() if isinstance(content, str) else content
        return Answer(status, {name.lower(): str(value) for name, value in told.items()}, plain)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Service, "_once", once)
        yield

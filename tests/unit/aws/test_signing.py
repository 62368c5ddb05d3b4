"""Requests are signed as botocore signs them."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import botocore.auth
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Theirs
from hypothesis import given
from hypothesis import strategies as st

from gyre.aws.signing import Credentials, Request, escaped, query_of, signed

AT = datetime(2026, 11, 21, 12, 30, 5, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
KEY = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(
    lambda key: not key.startswith("/") and "//" not in key and not {".", ".."} & set(key.split("/"))
)


def as_botocore(request: Request, who: Credentials, service: str) -> str:
    kind: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    url = f"https://{request.host}{request.path}" + (f"?{request.query}" if request.query else "")
    theirs = AWSRequest(request.method, url, dict(request.headers), request.body)
    if service == "s3":
        theirs.context["payload_signing_enabled"] = True
    # What it is asked to sign, and in whose name; the moment is given.
    with patch.object(botocore.auth, "get_current_datetime", return_value=AT.replace(tzinfo=None), create=True):
        kind(Theirs(who.key, who.secret, who.token), service, "eu-west-1").add_auth(theirs)
    return str(theirs.headers["Authorization"])


@given(KEY, st.dictionaries(st.text("abcXYZ-", min_size=1, max_size=8), TEXT, max_size=3), st.binary(max_size=50))
def test_an_object_of_any_name(key: str, query: dict[str, str], body: bytes) -> None:
    request = Request("PUT", "b.s3.eu-west-1.amazonaws.com", "/" + escaped(key, also="/"), query_of(query), {}, body)
    who = Credentials("AKID", "secret")
    assert signed(request, who, "s3", "eu-west-1", AT)["authorization"] == as_botocore(request, who, "s3")


@given(st.binary(max_size=50), st.one_of(st.none(), st.text("abc/+=", min_size=1)))
def test_a_message_with_or_without_a_session(body: bytes, token: str | None) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage"}
    request = Request("POST", "sqs.eu-west-1.amazonaws.com", "/", "", headers, body)
    who = Credentials("AKID", "secret", token)
    found = signed(request, who, "sqs", "eu-west-1", AT)
    assert found["x-amz-date"] == "20261121T123005Z"
    assert found["authorization"] == as_botocore(request, who, "sqs")

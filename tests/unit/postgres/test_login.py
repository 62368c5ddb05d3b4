"""The secret: what is taken, what is refused, and that it is never shown."""

import json
import ssl
from typing import Any

import pytest

from gyre.errors import Unavailable
from gyre.postgres.login import parse_login

SECRET = {"host": "db.example", "dbname": "gyre", "username": "writer", "password": "hush-hush"}


def login(**other: Any) -> Any:
    return parse_login(json.dumps({**SECRET, **other}))


def test_what_a_service_wrote_is_taken_with_what_it_wrote_more() -> None:
    made = login(engine="postgres", port="6432", dbInstanceIdentifier="x")
    assert (made.host, made.port, made.dbname, made.username) == ("db.example", 6432, "gyre", "writer")
    assert made.password.get_secret_value() == "hush-hush" and login().port == 5432
    assert "hush-hush" not in f"{made!r} {made}"


@pytest.mark.parametrize(
    ("told", "named"),
    [
        (None, "the text"), ("", "the text"), ("[]", "the text"), ("hush-hush", "the text"),
        ({"host": ""}, "host"), ({"port": 0}, "port"), ({"port": 70_000}, "port"), ({"password": None}, "password"),
        ({"password": 1234567}, "password"), ({"sslmode": "prefer"}, "sslmode"), ({"username": None}, "username"),
    ],
)  # fmt: skip
def test_a_secret_that_is_none_is_told_by_its_field_and_not_by_its_text(told: Any, named: str) -> None:
    text = told if isinstance(told, str) else "null" if told is None else json.dumps({**SECRET, **told})
    with pytest.raises(Unavailable, match=f"{named}: .*wait in the queue") as refused:
        parse_login(text)
    assert "hush" not in refused.value.message and "1234567" not in refused.value.message
    assert refused.value.__cause__ is None and refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("host", "mode", "wanted"),
    [
        ("db.example", None, ssl.CERT_REQUIRED), ("db.example", "verify-full", ssl.CERT_REQUIRED),
        ("db.example", "require", ssl.CERT_NONE), ("db.example", "disable", None), ("localhost", None, None),
        ("127.0.0.1", None, None), ("localhost.example", None, ssl.CERT_REQUIRED),
        ("localhost", "verify-full", ssl.CERT_REQUIRED),
    ],
)  # fmt: skip
def test_the_line_is_encrypted_unless_it_is_said_otherwise(host: str, mode: str | None, wanted: int | None) -> None:
    context = login(host=host, sslmode=mode).tls()
    if wanted is None:
        assert context is False
    else:
        assert isinstance(context, ssl.SSLContext)
        assert (context.verify_mode, context.check_hostname) == (wanted, wanted == ssl.CERT_REQUIRED)


def test_certificates_that_are_none_are_told() -> None:
    for wrong in ("no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "ü"):
        with pytest.raises(Unavailable, match="sslrootcert") as refused:
            login(sslrootcert=wrong).tls()
        assert refused.value.__cause__ is None

"""Who calls AWS without boto3: by the environment, or wherever botocore finds it."""

from collections.abc import Iterator
from unittest.mock import patch

import botocore.session
import pytest
from botocore.credentials import Credentials as Theirs

from gyre.aws import direct
from gyre.aws.signing import Credentials
from gyre.errors import Unavailable


@pytest.fixture(autouse=True)
def nobody_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    direct._elsewhere.cache_clear()
    yield
    direct._elsewhere.cache_clear()


def found(*answers: Theirs | None) -> Iterator[Theirs | None]:
    yield from answers


def test_lambda_tells_them_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}.items():
        monkeypatch.setenv(name, value)
    assert direct.credentials() == Credentials("a", "b", "c")


def test_elsewhere_they_are_looked_for_once_and_renewed_by_who_found_them() -> None:
    """Given a profile or a machine's role, when many requests are signed, then one session is made for all of them."""
    theirs = Theirs("a", "b", "c")
    with patch.object(botocore.session.Session, "get_credentials", side_effect=found(theirs)) as looked:
        assert direct.credentials() == Credentials("a", "b", "c")
        theirs.token = "d"
        assert direct.credentials() == Credentials("a", "b", "d")
    assert looked.call_count == 1


def test_none_anywhere_is_told() -> None:
    nobody = patch.object(botocore.session.Session, "get_credentials", return_value=None)
    with nobody, pytest.raises(Unavailable, match="set AWS_ACCESS_KEY_ID"):
        direct.credentials()

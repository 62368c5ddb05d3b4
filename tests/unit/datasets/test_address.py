"""Which addresses a file may be fetched from: a function inside a network reaches more than its caller must."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyre.datasets.address import checked_address, shown
from gyre.errors import Invalid

HOSTS = frozenset({"files.example", "127.0.0.1", "::1"})


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example/a.csv",
        "http://files.example/a.csv",
        "HTTPS://FILES.EXAMPLE/a.csv",
        "https://files.example:443/a.csv",
        "https://files.example:/a.csv",
        "https://127.0.0.1:8080/a.csv",
        "http://[::1]/a.csv",
        "http://[::1]:8080/a.csv",
        "https://files.example/a.csv?to=http://elsewhere.example/@x",
        "https://files.example/@/a.csv",
        "https://files.example/a%20b.csv",
        "https://files.example",
    ],
)
def test_an_address_on_an_allowed_host_is_taken(url: str) -> None:
    assert checked_address(url, HOSTS).hostname in HOSTS


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://elsewhere.example/files.example", "elsewhere.example"),
        ("https://files.example.elsewhere.example/", "files.example.elsewhere.example"),
        ("https://sub.files.example/", "sub.files.example"),
        ("https://xfiles.example/", "xfiles.example"),
        ("https://files.example./", "files.example."),
        ("https://elsewhere.example?files.example/", "elsewhere.example"),
        ("https://elsewhere.example#@files.example/", "elsewhere.example"),
        ("https://files%2eexample/", "files%2eexample"),
        ("http://2130706433/", "2130706433"),
        ("http://127.1/", "127.1"),
        ("http://0x7f.0.0.1/", "0x7f.0.0.1"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("http://[0:0:0:0:0:0:0:1]/", "0:0:0:0:0:0:0:1"),
        ("http://localhost/", "localhost"),
    ],
)
def test_another_host_is_refused_by_name_and_told_who_may_be_asked(url: str, host: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_address(url, HOSTS)
    assert refused.value.field == "url"
    assert f" {host} (allowed: 127.0.0.1, ::1, files.example)" in refused.value.message
    assert "FetchHosts" in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.csv",
        "files.example/a.csv",
        "//files.example/a.csv",
        "https:files.example/a.csv",
        "https:///a.csv",
        "https://",
        "file:///etc/passwd",
        "file://files.example/etc/passwd",
        "ftp://files.example/a.csv",
        "data:text/csv,a%0A1",
        "javascript://files.example/",
        "https+unix://files.example/",
        # Whose is it?
        "https://user@files.example/a.csv",
        "https://user:password@files.example/a.csv",
        "https://@files.example/a.csv",
        "https://:@files.example/a.csv",
        "https://files.example@elsewhere.example/a.csv",
        "https://elsewhere.example@files.example/a.csv",
        "https://elsewhere.example:80@files.example:443/a.csv",
        r"https://elsewhere.example\@files.example/a.csv",
        r"https://files.example\.elsewhere.example/a.csv",
        r"https://files.example\a.csv",
        # Ports that are none.
        "https://files.example:65536/",
        "https://files.example:-1/",
        "https://files.example:80x/",
        "https://files.example:80:90/",
        "https://::1/a.csv",
        "https://[::1/a.csv",
        "https://[files.example]/a.csv",
        "https://[::1]files.example/a.csv",
        "https://files.example[::1]/a.csv",
        # urlsplit leaves some of these out; what asks the host would not.
        "https://files.example/a b.csv",
        "https://files.\texample/a.csv",
        "https://files.exa\nmple/a.csv",
        "https://files.example/a.csv\r\nX-Evil: 1",
        " https://files.example/a.csv",
        "https://files.example/\x00",
        "https://files.example/ü.csv",
        "https://files\u3002example/a.csv",
        "https://ⓕiles.example/a.csv",
    ],
)
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_address(url, HOSTS)
    assert refused.value.field == "url"
    assert "is not an address" in refused.value.message


def test_while_nobody_is_allowed_nobody_is_asked() -> None:
    with pytest.raises(Invalid, match="allowed: none"):
        checked_address("https://files.example/a.csv", frozenset())


def test_a_message_holds_no_secret_and_no_book() -> None:
    with pytest.raises(Invalid) as refused:
        checked_address("ftp://files.example/" + "a" * 5_000 + "?signature=swordfish", HOSTS)
    assert "swordfish" not in refused.value.message
    assert len(refused.value.message) < 400
    assert shown("https://files.example/a.csv?signature=swordfish") == "https://files.example/a.csv"
    assert shown("https://user:swordfish@files.example/a.csv") == "https://files.example/a.csv"


@given(st.text(max_size=60), st.sampled_from(["https://", "http://", ""]), st.sampled_from(["files.example", ""]))
def test_whatever_is_sent_is_an_address_on_an_allowed_host_or_invalid(text: str, scheme: str, host: str) -> None:
    try:
        address = checked_address(f"{scheme}{host}{text}", HOSTS)
    except Invalid:
        return
    assert address.hostname in HOSTS
    assert address.username is None

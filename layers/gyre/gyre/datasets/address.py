"""Addresses that files may be fetched from."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from gyre.errors import Invalid

# No blanks, controls and backslashes: clients disagree about where a host ends that holds one.
_PLAIN = re.compile(r"[!-\[\]-~]+")
# A host and a port; no user before, and nothing beside the brackets of IPv6.
_HOST = re.compile(r"([^\[\]@:]+|\[[^\[\]@]+\])(:[0-9]*)?")


def checked_address(url: str, hosts: Collection[str]) -> SplitResult:
    """Its parts, if it is an address on one of the hosts that the deployment allows."""
    try:
        address = urlsplit(url)
        host, _ = address.hostname or "", address.port  # a port may be none, too
    except ValueError:
        raise _no_address(url) from None
    if address.scheme not in ("https", "http") or not (_HOST.fullmatch(address.netloc) and _PLAIN.fullmatch(url)):
        raise _no_address(url)
    if host not in hosts:
        allowed = ", ".join(sorted(hosts)) or "none"
        raise Invalid(
            f"Files may not be fetched from {host[:200]} (allowed: {allowed}). The parameter FetchHosts of the "
            "deployment names who may be asked.",
            field="url",
        )
    return address


def shown(url: str) -> str:
    """For messages, which go to logs and by mail: without a password, and what follows a `?` may be a secret, too."""
    return re.sub(r"//.*@", "//", url.partition("?")[0])[:200]


def _no_address(url: str) -> Invalid:
    return Invalid(
        f"{shown(url)!r} is not an address: it must be https://<host>/<file>, without a user, blanks written as %20.",
        field="url",
    )

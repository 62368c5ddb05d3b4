"""Signature Version 4: how a request to AWS says who sends it."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote


@dataclass(frozen=True)
class Credentials:
    """Who calls."""

    key: str
    secret: str
    token: str | None = None


@dataclass(frozen=True)
class Request:
    """What is asked; its path and query as they go over the wire."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def escaped(text: str, *, also: str = "") -> str:
    """As AWS wants it, which is not how everybody does it."""
    return quote(text, safe=f"-_.~{also}")


def query_of(asked: Mapping[str, str]) -> str:
    """In the order in which it is signed."""
    return "&".join(f"{escaped(name)}={escaped(asked[name])}" for name in sorted(asked))


def signed(request: Request, who: Credentials, service: str, region: str, at: datetime) -> dict[str, str]:
    """The request's headers, with those that prove who sends it."""
    day, moment = f"{at:%Y%m%d}", f"{at:%Y%m%dT%H%M%SZ}"
    digest = hashlib.sha256(request.body).hexdigest()
    headers = {**request.headers, "host": request.host, "x-amz-date": moment}
    if service == "s3":
        headers["x-amz-content-sha256"] = digest
    if who.token:
        headers["x-amz-security-token"] = who.token
    names = sorted(headers)
    told = [f"{name}:{headers[name].strip()}" for name in names]
    canonical = [request.method, request.path, request.query, *told, "", ";".join(names), digest]
    scope = f"{day}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256('\n'.join(canonical).encode()).hexdigest()}"
    signature = _keyed(_signing_key(who.secret, day, region, service), text).hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={who.key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return headers


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _keyed(key, part)
    return key


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")

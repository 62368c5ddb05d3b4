"""The deployed API as it is called; what can be asked of it stands in the parts of `GyreClient`."""

from typing import Any
from urllib.parse import quote

import httpx

from cli.polling import CallFailed


class Calls:
    """One API."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(self.send("GET", path, params=query))

    def post(self, path: str, body: Any = None) -> Any:
        return self._answer(self.send("POST", path, json=body))

    def delete(self, path: str) -> Any:
        return self._answer(self.send("DELETE", path))

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The bare response, for those who look at statuses and headers."""
        return self._http.request(method, path.lstrip("/"), **request)

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.is_success:
            return response.json() if "json" in response.headers.get("content-type", "") else response.text
        try:
            error = dict(response.json()["error"])
        except (ValueError, KeyError, TypeError):
            error = {"message": response.text[:300]}
        raise CallFailed(response.status_code, error)


def given(**asked: Any) -> dict[str, Any]:
    """What was said, without what was left out."""
    return {name: each for name, each in asked.items() if each is not None}


def in_path(name: str) -> str:
    """So that it stays one part of the path, whatever it holds."""
    return quote(name, safe="")

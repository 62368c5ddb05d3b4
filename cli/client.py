"""Speaks to a deployed stack: its API over HTTP, its buckets by upload."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx

from infra.deploy.record import StackRecord
from infra.deploy.target import bypass_proxies

POLL_SECONDS = 0.3


class CallFailed(Exception):
    """The API answered with an error; `status` and `error` are what it said."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(f"{status}: {error.get('message', error)}")
        self.status = status
        self.error = error


class TookTooLong(Exception):
    """Something did not come to its end within the limit."""


class GyreClient:
    """One deployment, as `.gyre/stack.json` describes it."""

    def __init__(self, record: StackRecord) -> None:
        self.record = record
        if record.endpoint_url:
            bypass_proxies()
        headers = {"x-api-key": record.api_key}
        self._http = httpx.Client(
            base_url=record.api_url.rstrip("/") + "/", headers=headers, timeout=60, trust_env=False
        )
        # The emulator takes any credentials; a person's real ones never go there.
        own = "local" if record.endpoint_url else None
        self._session = boto3.Session(aws_access_key_id=own, aws_secret_access_key=own, region_name=record.region)

    def aws(self, service: str) -> Any:
        """A boto3 client of the account the stack lives in."""
        return self._session.client(service, endpoint_url=self.record.endpoint_url)  # type: ignore[call-overload]

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(self._http.get(path.lstrip("/"), params=query))

    def post(self, path: str, body: Any = None) -> Any:
        return self._answer(self._http.post(path.lstrip("/"), json=body))

    def declare(self, text: bytes) -> Any:
        """Declares a model: the text is model.yaml."""
        return self._answer(self._http.post("models", content=text, headers={"content-type": "application/yaml"}))

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The bare response, for those who look at statuses and headers."""
        return self._http.request(method, path.lstrip("/"), **request)

    def upload(self, model: str, name: str, content: bytes | Path) -> tuple[str, str]:
        """Puts a file into a model's inbox; returns its key and version."""
        key = f"inbox/{model}/{name}"
        body = content.read_bytes() if isinstance(content, Path) else content
        answer = self.aws("s3").put_object(Bucket=self.record.data_bucket, Key=key, Body=body)
        return key, answer["VersionId"]

    def follow(self, url: str, seconds: float = 120) -> Iterator[dict[str, Any]]:
        """The run, each time something about it changed, until it ended."""
        limit = time.monotonic() + seconds
        last: dict[str, Any] = {}
        while time.monotonic() < limit:
            told = self.get(url)
            if told != last:
                last = told
                yield told
            if told["status"] != "running":
                return
            time.sleep(POLL_SECONDS)
        raise TookTooLong(f"{url} is still running after {seconds:.0f} s")

    def run_of_upload(self, key: str, version: str, seconds: float = 60) -> str:
        """The name of the run that an upload started; it appears some moments after the upload."""
        from gyre.training.start import run_of_upload

        run = run_of_upload(key, version)
        self.until(
            lambda: self.send("GET", f"runs/{run}").status_code == 200, f"the upload {key} starts a run", seconds
        )
        return run

    @staticmethod
    def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Waits with a limit; `what` is told when it is not kept."""
        limit = time.monotonic() + seconds
        while not true():
            if time.monotonic() > limit:
                raise TookTooLong(f"waited {seconds:.0f} s and in vain: {what}")
            time.sleep(POLL_SECONDS)

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        if response.is_success:
            return response.json() if "json" in response.headers.get("content-type", "") else response.text
        try:
            error = response.json()["error"]
        except (ValueError, KeyError, TypeError):
            error = {"message": response.text[:300]}
        raise CallFailed(response.status_code, error)

"""Speaks to a deployed stack: its API over HTTP, its buckets by upload."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict

import boto3
import httpx
from botocore.config import Config

from cli.calls import given, in_path
from cli.feedback_calls import FeedbackCalls
from cli.letter_calls import LetterCalls
from cli.monitor_calls import MonitorCalls
from cli.polling import POLL_SECONDS, Answer, CallFailed, Clock, TookTooLong, looks
from cli.run_facts import waits
from cli.subject_calls import SubjectCalls
from infra.deploy.record import StackRecord
from infra.deploy.target import bypass_proxies

__all__ = ["Answer", "CallFailed", "Clock", "GyreClient", "Started", "TookTooLong"]

Search = Mapping[str, Any] | Literal[False]


class Started(TypedDict, total=False):
    """A run that was started, and what it works on."""

    run: str
    status_url: str
    dataset: int | None
    upload: str | None
    version: int


class GyreClient(FeedbackCalls, LetterCalls, MonitorCalls, SubjectCalls):
    """One deployment, as `.gyre/stack.json` describes it."""

    def __init__(
        self, record: StackRecord, transport: httpx.BaseTransport | None = None, clock: Clock | None = None
    ) -> None:
        self.record = record
        self._transport = transport
        self._clock = clock or Clock()
        if record.endpoint_url:
            bypass_proxies()
        headers = {"x-api-key": record.api_key}
        super().__init__(
            httpx.Client(
                base_url=record.api_url.rstrip("/") + "/", headers=headers, timeout=60, trust_env=False,
                transport=transport,
            )
        )  # fmt: skip
        # The emulator takes any credentials; a person's real ones never go there.
        own = "local" if record.endpoint_url else None
        self._session = boto3.Session(aws_access_key_id=own, aws_secret_access_key=own, region_name=record.region)

    def aws(self, service: str, config: Config | None = None) -> Any:
        """A boto3 client of the account the stack lives in."""
        made: Any = self._session
        return made.client(service, endpoint_url=self.record.endpoint_url, config=config)

    def declare(self, text: bytes) -> Any:
        """Declares a model: the text is model.yaml."""
        return self._answer(self.send("POST", "models", content=text, headers={"content-type": "application/yaml"}))

    # --- data ---------------------------------------------------------------------------------------------------------

    def upload(self, model: str, name: str, content: bytes | Path) -> tuple[str, str]:
        """Puts a file into a model's inbox; returns its key and version."""
        key = f"inbox/{model}/{name}"
        body = content.read_bytes() if isinstance(content, Path) else content
        answer = self.aws("s3").put_object(Bucket=self.record.data_bucket, Key=key, Body=body)
        return key, answer["VersionId"]

    def bring(self, model: str, file: Path) -> tuple[str, str]:
        """The same with the API's key alone: the API signs an address, and the file is streamed there."""
        announced = self.post(f"{_model(model)}/uploads", {"name": file.name})
        return announced["upload"], self._put(announced["put_url"], file)

    def _put(self, url: str, file: Path) -> str:
        """The version that the file became at a signed address."""
        with self._bare() as bare, file.open("rb") as content:
            put = bare.put(url, content=content)
        self._answer(put)
        version = put.headers.get("x-amz-version-id")
        if version is None:
            raise CallFailed(put.status_code, {"message": "the data bucket keeps no versions of its files"})
        return str(version)

    def _bare(self) -> httpx.Client:
        """A client of its own: our key is nothing that S3 should see."""
        proxies = self.record.endpoint_url is None
        return httpx.Client(timeout=60, trust_env=proxies, transport=self._transport)

    def run_of_upload(self, key: str, version: str, seconds: float = 60) -> str:
        """The name of the run that an upload started; it appears some moments after the upload."""
        from gyre.training.start import run_of_upload

        return self._begun(run_of_upload(key, version), f"the upload {key} starts a run", seconds)

    def _begun(self, run: str, what: str, seconds: float) -> str:
        self.until(lambda: self.send("GET", f"runs/{run}").status_code == 200, what, seconds)
        return run

    # --- whole files --------------------------------------------------------------------------------------------------

    def batch(
        self, model: str, file: Path, *, version: str | int | None = None, explain: bool = False, seconds: float = 60
    ) -> str:
        """Has every row of a file predicted; returns the run that its arrival starts."""
        from gyre.datasets.batch_file import run_of_batch

        asked = given(name=file.name, explain=explain, version=None if version is None else str(version))
        announced = self.post(f"{_model(model)}/batch", asked)
        came = self._put(announced["put_url"], file)
        return self._begun(run_of_batch(announced["file"], came), f"the file {announced['file']} starts a run", seconds)

    def result(self, run: str) -> Answer:
        """What came of a file: the summary, and where its answers can be got for a while (`get_url`)."""
        told: Answer = self.get(f"runs/{in_path(run)}/result")
        return told

    def blocks(self, url: str) -> Iterator[bytes]:
        """What lies at a signed address, as a stream."""
        with self._bare() as bare, bare.stream("GET", url) as answer:
            if not answer.is_success:
                answer.read()
                self._answer(answer)
            yield from answer.iter_bytes()

    # --- runs ---------------------------------------------------------------------------------------------------------

    def train(
        self, model: str, *, dataset: int | None = None, upload: str | None = None, spec: int | None = None,
        base: str | int | None = None, search: Search | None = None,
    ) -> Started:  # fmt: skip
        """Starts a training. `search` is what it does otherwise than model.yaml says; False: no search."""
        base = None if base is None else str(base)
        asked = given(model=model, dataset=dataset, upload=upload, spec=spec, base=base, search=search)
        started: Started = self.post("train", asked)
        return started

    def evaluate(
        self, model: str, version: str | int = "production", *, dataset: int | None = None, part: str = "unseen"
    ) -> Started:
        """Starts the evaluation of a version on the rows of a dataset version."""
        asked = given(model=model, version=str(version), part=part, dataset=dataset)
        started: Started = self.post("evaluate", asked)
        return started

    def run(self, run: str) -> Answer:
        """How far a run came."""
        told: Answer = self.get(f"runs/{in_path(run)}")
        return told

    def resume(self, run: str) -> Answer:
        """Goes on with a run that failed; the answer's `attempt` is the one that begins."""
        told: Answer = self.post(f"runs/{in_path(run)}/resume")
        return told

    def follow(self, url: str, seconds: float | None = 120, *, attempt: int | None = None) -> Iterator[Answer]:
        """The run, each time something about it changed, until it ended or waits for a person. `attempt` is one that
        was just begun: it may take a moment to appear."""
        last: Answer = {}
        for told in self.looks(url, seconds, attempt=attempt):
            if told != last:
                last = told
                yield told

    def looks(self, url: str, seconds: float | None = 120, *, attempt: int | None = None) -> Iterator[Answer]:
        """The same at each look, changed or not."""
        return looks(lambda: self.get(url), self._over, url, self._clock, seconds=seconds, attempt=attempt)

    def _over(self, told: Answer) -> bool:
        if told["status"] != "running" or not waits(told):
            return bool(told["status"] != "running")
        # The step is there a moment before its question is: only then can it be answered.
        version = told.get("found", {}).get("register", {}).get("version")
        return version is None or bool(self.version(told["input"]["model"], version)["waits_for_approval"])

    # --- versions and releases ----------------------------------------------------------------------------------------

    def versions(self, model: str, *, limit: int = 20, before: int | None = None) -> Answer:
        """The versions of a model, newest first; `before` in the answer is where to go on."""
        told: Answer = self.get(f"{_model(model)}/versions", **given(limit=limit, before=before))
        return told

    def version(self, model: str, version: int) -> Answer:
        """One version: its figures, its gates, where it stands."""
        told: Answer = self.get(f"{_model(model)}/versions/{version}")
        return told

    def card(self, model: str, version: int, form: Literal["html", "json"] = "json") -> Any:
        """Its model card: the document, or the page as text."""
        return self.get(f"{_model(model)}/versions/{version}/card", form=form)

    def release(self, model: str) -> Answer:
        """What serves, and whether MLflow knows."""
        told: Answer = self.get(f"{_model(model)}/release")
        return told

    def history(self, model: str, *, limit: int = 100) -> list[Answer]:
        """Every move of its releases, newest first."""
        moves: list[Answer] = self.get(f"{_model(model)}/history", limit=limit)["moves"]
        return moves

    def promote(
        self, model: str, version: str | int, alias: Literal["production", "challenger"] = "production", *,
        comment: str | None = None,
    ) -> Answer:  # fmt: skip
        """Lets a version serve, or puts it on trial."""
        return self._move(model, "promote", comment, version=version, alias=alias)

    def rollback(self, model: str, *, comment: str | None = None) -> Answer:
        """Back to what was production before."""
        return self._move(model, "rollback", comment)

    def withdraw(self, model: str, *, comment: str | None = None) -> Answer:
        """Takes the challenger off trial."""
        return self._move(model, "withdraw", comment)

    def traffic(
        self, model: str, challenger: str | int = "challenger", *, share: float = 0.0, shadow: float = 0.0,
        comment: str | None = None,
    ) -> Answer:  # fmt: skip
        """Puts a version on trial, with this share of the rows and that of the calls in the shadow."""
        return self._move(model, "traffic", comment, challenger=challenger, share=share, shadow=shadow)

    def comparison(self, model: str, *, hours: float = 24, challenger: int | None = None) -> Answer:
        """Production and challenger: what each did, and whether they differ."""
        told: Answer = self.get(f"stats/{in_path(model)}/comparison", **given(hours=hours, challenger=challenger))
        return told

    def retire(self, model: str, version: int, *, comment: str | None = None) -> Answer:
        """A version that shall not serve any more."""
        return self._move(model, f"versions/{version}/retire", comment)

    def restore(self, model: str, version: int, *, comment: str | None = None) -> Answer:
        """A retired version may serve again."""
        return self._move(model, f"versions/{version}/restore", comment)

    def approve(self, model: str, version: int, *, approved: bool = True, comment: str | None = None) -> Answer:
        """Says whether a version that waits may serve."""
        return self._move(model, f"versions/{version}/approve", comment, approved=approved)

    def mirror(self, model: str) -> Answer:
        """Tells MLflow anew what serves."""
        told: Answer = self.post(f"{_model(model)}/mirror")
        return told

    def _move(self, model: str, move: str, comment: str | None, **asked: Any) -> Answer:
        told: Answer = self.post(f"{_model(model)}/{move}", given(**asked, comment=comment))
        return told

    # --- waiting ------------------------------------------------------------------------------------------------------

    def until(self, true: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Waits with a limit; `what` is told when it is not kept."""
        limit = self._clock.now() + seconds
        while not true():
            if self._clock.now() > limit:
                raise TookTooLong(f"waited {seconds:.0f} s and in vain: {what}")
            self._clock.pause(POLL_SECONDS)


def _model(name: str) -> str:
    return f"models/{in_path(name)}"

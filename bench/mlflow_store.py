"""python -m bench.mlflow_store: reads and writes of MLflow's file in S3 (moto, a process of its own), by its size."""

import os
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime

import boto3
from botocore.exceptions import EndpointConnectionError

from bench.measure import Timing, keep, repeat
from gyre.registry.tracking import Registration, TrackedCandidate, TrackedDataset, TrackedTraining

PORT = 5057
TIMES = 15
SIZES = (1, 1_000)
SETTINGS = {
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{PORT}", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1", "MLFLOW_DISABLE_TELEMETRY": "true",
}  # fmt: skip


class Bench:
    """One file and its clients."""

    def __init__(self, bucket: str) -> None:
        from mlflow import MlflowClient

        from gyre.aws.mlflow_store import register, tracking_store

        register()
        self._bucket, self._uri = bucket, f"s3+sqlite://{bucket}/mlflow.db"
        self._runs: list[str] = []
        self.opening = {
            "open, a new file": repeat(1, lambda: tracking_store(self._uri)),
            "open, a file that is there": repeat(3, lambda: tracking_store(self._uri)),
        }
        self._client = MlflowClient(self._uri, self._uri)
        self._trusting = MlflowClient(self._uri + "?fresh_ms=60000", self._uri)

    def fill(self, size: int) -> None:
        """Runs of ten metrics, ten parameters and a tag, up to so many."""
        from gyre.aws.mlflow_store import together

        def work() -> None:
            while len(self._runs) < size:
                self._run()

        together(self._uri, work)

    def _run(self) -> None:
        from mlflow.entities import Metric, Param, RunTag

        run = str(self._client.create_run("0").info.run_id)
        metrics, parameters = [Metric(f"m{n}", n, 0, 0) for n in range(10)], [Param(f"p{n}", "1") for n in range(10)]
        self._client.log_batch(run, metrics, parameters, [RunTag("a", "b")])
        self._client.set_terminated(run)
        self._runs.append(run)

    def timings(self, size: int) -> dict[str, Timing]:
        from gyre.aws.mlflow_store import together

        run = self._runs[0]
        self._trusting.get_run(run)
        found = {
            "read, trusted": repeat(TIMES, lambda: self._trusting.get_run(run)),
            "read, unchanged": repeat(TIMES, lambda: self._client.get_run(run)),
            "read, changed": repeat(TIMES, lambda: self._client.get_run(run), self._forget),
            "write": repeat(TIMES, lambda: self._client.set_tag(run, "a", uuid.uuid4().hex)),
            "run in three puts": repeat(5, self._run),
            "run in one put": repeat(5, lambda: together(self._uri, self._run)),
        }
        return {f"{name}, {size} runs": timing for name, timing in found.items()}

    def trainings(self, size: int) -> dict[str, Timing]:
        """Through our own adapter: a search of nine candidates with ten files, its version, its release."""
        from gyre.aws.mlflow_tracking import MlflowTracking

        tracking = MlflowTracking(self._uri)
        told = [a_training() for _ in range(4)]
        tracking.record(told[0])
        waiting, registered = iter(told[1:]), iter(told)
        found = {
            "training recorded": repeat(3, lambda: tracking.record(next(waiting))),
            "the same again": repeat(3, lambda: tracking.record(told[0])),
            "version registered": repeat(4, lambda: tracking.register(a_version(next(registered).run))),
            "aliases mirrored": repeat(
                1, lambda: tracking.mirror("bench", {"champion": 1, "challenger": 2}, {1: "live"})
            ),
            "nothing to mirror": repeat(3, lambda: tracking.mirror("bench", {"champion": 1, "challenger": 2}, {})),
        }
        return {f"{name}, {size} runs": timing for name, timing in found.items()}

    def size(self) -> int:
        return int(boto3.client("s3").head_object(Bucket=self._bucket, Key="mlflow.db")["ContentLength"])

    def _forget(self) -> None:
        """As if somebody else had written: the next read fetches the file."""
        self._client._tracking_client.store.database.start_anew()


def a_training() -> TrackedTraining:
    """One that searched as the examples do."""
    now, figures = datetime.now(UTC), {f"figure.{n}": n / 40 for n in range(40)}
    return TrackedTraining(
        model="bench", run=f"train_{uuid.uuid4().hex}", started=now, ended=now,
        parameters={f"p{n}": n for n in range(20)}, figures=figures, baseline=figures, fairness=figures,
        artifacts={f"plots/{n}.svg": bytes(20_000) for n in range(10)}, dataset=TrackedDataset("bench", "v1", "s3://b/k"),
        candidates=tuple(TrackedCandidate(n, "boosting", {f"p{m}": m for m in range(6)}, 0.5, 0.1) for n in range(9)),
    )  # fmt: skip


def a_version(run: str) -> Registration:
    return Registration(
        model="bench", run=run, tracked="0a1b", source="s3://artifacts/bundles/bench/0a1b/", reference="s3://data/r",
        dataset=1, spec=1, commit="c0ffee", bundle="0a1b", estimator="boosting",
    )  # fmt: skip


def main() -> int:
    os.environ.update(SETTINGS)
    arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(PORT)]
    server = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        bench = Bench(new_bucket())
        timings, figures = dict(bench.opening), {}
        for size in SIZES:
            bench.fill(size)
            figures[f"bytes, {size} runs"] = float(bench.size())
            timings |= bench.timings(size) | bench.trainings(size)
        import mlflow

        keep("mlflow_store", timings, {"mlflow": mlflow.__version__}, figures)
        for name, timing in timings.items():
            print(f"{name:36} {timing}")
        print(figures)
    finally:
        server.terminate()
        server.wait(10)
    return 0


def new_bucket() -> str:
    """A bucket, as soon as moto listens."""
    name, pause = f"bench-{uuid.uuid4().hex[:8]}", threading.Event()
    for _ in range(100):
        try:
            boto3.client("s3").create_bucket(Bucket=name)
            return name
        except EndpointConnectionError:
            pause.wait(0.2)
    raise RuntimeError("moto did not start")


if __name__ == "__main__":
    sys.exit(main())

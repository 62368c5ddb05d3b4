"""`sam local invoke` on the parts that `make package` built, with the environment of the deployed stack."""

from __future__ import annotations

import json
import string
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.deploy.record import StackRecord
from infra.packaging.template import FUNCTION, load, of_type
from infra.packaging.workshop import Workshop
from tests.docker import stand_in
from tests.docker.engine import ROOT, Engine
from tests.docker.relay import endpoint_for_containers
from tests.docker.sam_parts import build_image, deployed_environments, images, localised, publish_layers

EVENTS = ROOT / "events"
SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
WORK = ROOT / ".build" / "sam"
LAYERS = WORK / "layers"
INVOKE_SECONDS = 240


@dataclass(frozen=True)
class Invocation:
    """What sam printed: the function's answer, and everything else."""

    answer: Any
    log: str


@dataclass(frozen=True)
class Sam:
    """A template that sam can run, and an engine to run it in."""

    engine: Engine
    record: StackRecord
    template: Path
    base: str
    """The image that zip functions run in: AWS's own, or what stands in for it."""

    def invoke(self, event: Path) -> Invocation:
        template = load(self.template)
        function = function_for(event.stem, template)
        filled = WORK / "events" / event.name
        filled.parent.mkdir(parents=True, exist_ok=True)
        # ${api_key} and the like: what differs from one deployment to the next is in no committed event.
        filled.touch(mode=0o600)  # it holds the key
        filled.write_text(string.Template(event.read_text()).safe_substitute(asdict(self.record)))
        command = [str(SAM), "local", "invoke", function, "--template", str(self.template), "--event", str(filled)]
        command += ["--skip-pull-image", "--layer-cache-basedir", str(LAYERS), "--region", self.record.region]
        if self.base == stand_in.LAMBDA.stand_in and function not in images(template):
            command += ["--invoke-image", self.base]
        done = subprocess.run(
            command, env=self._environment(), cwd=WORK, capture_output=True, text=True, timeout=INVOKE_SECONDS
        )
        if done.returncode:
            raise AssertionError(f"sam ended with {done.returncode}:\n{done.stderr[-4000:]}")
        # What the function prints itself goes to standard error; the answer is the last line of the output.
        return Invocation(json.loads((done.stdout.strip().splitlines() or ["null"])[-1]), done.stderr)

    def _environment(self) -> dict[str, str]:
        environment = self.engine.environment() | {
            "SAM_CLI_TELEMETRY": "0",
            "__SAM_CLI_APP_DIR": str(WORK / "app"),  # not in the user's home
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        # With sam, a variable of the caller wins over the template's of the same name; and without its bytecode kept it
        # spends seconds on imports, each time.
        unwanted = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
        for name in [name for name in environment if name in unwanted or name.startswith("GYRE_")]:
            del environment[name]
        if self.record.endpoint_url:
            # It asks STS who it is, and waits for seconds where nobody answers.
            environment["AWS_ENDPOINT_URL_STS"] = self.record.endpoint_url
        return environment


@contextmanager
def prepared(engine: Engine, record: StackRecord, shop: Workshop) -> Iterator[Sam]:
    """Images built, layers laid out, the template written, and the emulator in the containers' reach."""
    base = stand_in.ensure(engine, stand_in.LAMBDA)
    template = load(shop.template)
    for image in sorted(set(images(template).values())):
        build_image(engine, shop, image, base)
    LAYERS.mkdir(parents=True, exist_ok=True)
    arns = publish_layers(engine, shop, template, LAYERS, base)
    with endpoint_for_containers(engine, record.endpoint_url, base) as endpoint:
        path = WORK / "template.json"
        environments = deployed_environments(template, record, endpoint)
        path.write_text(json.dumps(localised(template, shop, arns, environments), indent=1))
        yield Sam(engine, record, path, base)


def function_for(case: str, template: dict[str, Any]) -> str:
    """`inference-health`: the function of that name; `science-train-ingest`: of the image, with that handler."""
    named, _, rest = case.partition("-")
    entry = rest.partition("-")[0]
    handlers = [f"app.{entry}"], [f"{entry}.handler"]
    found = [
        name
        for name, resource in of_type(template, FUNCTION)
        if str(resource["Properties"]["FunctionName"]["Fn::Sub"]).rpartition("}-")[2].replace("-", "_") == named
        or (
            str(resource["Properties"].get("ImageUri", "")).partition(":")[0] == f"gyre-{named}"
            and resource["Properties"]["ImageConfig"]["Command"] in handlers
        )
    ]
    if len(found) != 1:
        raise AssertionError(f"events/{case}.json: no one function of template.yaml answers to this name")
    return found[0]

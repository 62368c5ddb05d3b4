"""A small repository of its own for each test: one made-up wheel, a gyre of one module, two functions and an image."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.packaging.build import build
from infra.packaging.recipe import GYRE, Pick, Source, function, image, layer
from infra.packaging.workshop import Workshop

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Globals: {Function: {Runtime: python3.12, Handler: app.handler}}
Resources:
  RuntimeLayer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/runtime}}
  ServingLayer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/serving/}}
  InferenceFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: ./functions/inference, Layers: [!Ref RuntimeLayer, !Ref ServingLayer]}
  DriftFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/drift, Layers: [!Ref RuntimeLayer]}
  TrainTasksFunction:
    Type: AWS::Serverless::Function
    Metadata: {Dockerfile: ../../../infra/science.Dockerfile, DockerContext: .build/images/gyre-science}
    Properties: {PackageType: Image, ImageConfig: {Command: [app.train]}}
"""

SMALL_PARTS = (
    layer("runtime", "small.lock", GYRE),
    layer("serving", "none.lock", picks=(Pick("demo", "small.lock", "demo/kernel.*"),)),
    function("inference"),
    function("drift"),
    image("science", "gyre-science", "small.lock", Source("functions/science"), GYRE),
)

WHEEL = {
    "demo/__init__.py": "NAMES = {'one', 'two', 'three'}\ndef fail():\n    raise ValueError('from demo')\n",
    "demo/kernel.so": "not really",
    "demo/testing/__init__.py": "",
    "demo/tests/__init__.py": "",
    "demo/tests/test_demo.py": "assert True\n",
    "demo/data/tests.csv": "a,b\n",
    "demo/stub.pyi": "x: int\n",
    "demo/py.typed": "",
    "demo/include/demo.h": "",
    "demo/template.py": "class {{ name }}:\n",
    "demo-1.0.data/scripts/demo": "#!python\n",
    "demo-1.0.data/data/share/man/demo.1": "",
    "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    "demo-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "demo-1.0.dist-info/entry_points.txt": "[demo]\nplug = demo:fail\n",
    "demo-1.0.dist-info/top_level.txt": "demo\n",
    "demo-1.0.dist-info/licenses/LICENSE": "MIT\n",
}


@dataclass
class Small:
    """A workshop in a folder of its own, and what it reported."""

    shop: Workshop
    lines: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.shop.root

    @property
    def out(self) -> Path:
        return self.shop.out

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def build(self, *names: str) -> list[str]:
        """Builds, keeps the progress lines of this build alone, and answers with the failures."""
        self.lines.clear()
        return build(self.shop, list(names))

    def built(self) -> set[str]:
        """The parts that the last build did not skip."""
        rows = [line.split() for line in self.lines if line.split()[0] in ("layer", "function", "image")]
        return {row[1] for row in rows if row[-1] != "unchanged"}

    @property
    def installed(self) -> set[str]:
        return {line.split()[1] for line in self.lines if line.startswith("lock")}


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    record = "".join(f"{name},,\n" for name in [*WHEEL, "demo-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(folder / "demo-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in {**WHEEL, "demo-1.0.dist-info/RECORD": record}.items():
            wheel.writestr(zipfile.ZipInfo(name), text)
    return folder


@pytest.fixture(scope="session")
def index(wheels: Path) -> Iterator[None]:
    """uv finds the made-up wheel and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_FIND_LINKS", str(wheels))
        patch.setenv("UV_NO_INDEX", "1")
        patch.setenv("UV_OFFLINE", "1")
        yield


@pytest.fixture(scope="session")
def make_small(wheels: Path, index: None) -> Callable[[Path], Small]:
    """Writes a small repository, not built yet."""
    digest = hashlib.sha256((wheels / "demo-1.0-py3-none-any.whl").read_bytes()).hexdigest()

    def make(root: Path) -> Small:
        small = open_small(root)
        small.write("template.yaml", TEMPLATE)
        small.write(
            "requirements/small.lock", f"# a lock\ndemo==1.0 \\\n    --hash=sha256:{digest}\n    # via nobody\n"
        )
        small.write("requirements/none.lock", "# nothing\n")
        small.write("layers/gyre/gyre/__init__.py", "def answer():\n    return 42\n")
        small.write("layers/gyre/gyre/rooms/__init__.py", "")
        small.write("layers/gyre/gyre/rooms/schema.json", "{}")
        handler = "import demo, gyre\n\ndef handler(event, context):\n    return gyre.answer()\n"
        small.write("functions/inference/app.py", handler)
        small.write("functions/drift/app.py", handler)
        small.write("functions/science/app.py", handler.replace("handler", "train"))
        return small

    return make


def open_small(root: Path) -> Small:
    lines: list[str] = []
    return Small(Workshop(root, SMALL_PARTS, report=lines.append), lines)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, make_small: Callable[[Path], Small]) -> Small:
    """One repository built in full, which no test may change."""
    small = make_small(tmp_path_factory.mktemp("original") / "repository")
    assert small.build() == []
    return small


@pytest.fixture
def small(original: Small, tmp_path: Path) -> Small:
    """A built repository of the test's own."""
    shutil.copytree(original.root, tmp_path / "repository")
    return open_small(tmp_path / "repository")

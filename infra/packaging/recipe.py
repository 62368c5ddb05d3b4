"""What is built from what: the parts, their own code, and the locked dependencies each stands on."""

from __future__ import annotations

from dataclasses import dataclass

# Where Lambda mounts a function's code and its layers: bytecode carries these paths, never the build machine's.
TASK_ROOT = "/var/task"
LAYER_ROOT = "/opt"


@dataclass(frozen=True)
class Pick:
    """A few files of one package of another lock, where the whole package would be far too heavy."""

    package: str
    lock: str
    pattern: str


@dataclass(frozen=True)
class Closure:
    """One lock installed for Lambda. It is kept apart from our code, so that a change in ours installs nothing."""

    name: str
    lock: str
    picks: tuple[Pick, ...] = ()


@dataclass(frozen=True)
class Source:
    """A folder of ours and where its content lands inside the part."""

    folder: str
    into: str = ""


@dataclass(frozen=True)
class Part:
    """One thing to build: `.build/<place>` and, where Lambda takes a zip, `.build/<place>.zip`."""

    name: str
    place: str
    sources: tuple[Source, ...] = ()
    closure: Closure | None = None
    prefix: str = ""  # where the content starts inside the zip: a layer's Python lies under python/
    mount: str = TASK_ROOT  # where the zip's root appears at run time
    zipped: bool = True

    @property
    def kind(self) -> str:
        return {"functions": "function", "layers": "layer", "images": "image"}[self.place.split("/")[0]]


def function(name: str) -> Part:
    return Part(name, f"functions/{name}", (Source(f"functions/{name}"),))


def layer(name: str, lock: str | None = None, *sources: Source, picks: tuple[Pick, ...] = ()) -> Part:
    closure = Closure(name, lock, picks) if lock else None
    return Part(name, f"layers/{name}", sources, closure, prefix="python", mount=LAYER_ROOT)


def image(name: str, place: str, lock: str, *sources: Source) -> Part:
    return Part(name, f"images/{place}", sources, Closure(name, lock), zipped=False)


GYRE = Source("layers/gyre/gyre", into="gyre")
# MLflow's entry points for our store: only where MLflow is (docs/decisions/0009).
ENTRY_POINTS = Source("layers/gyre/gyre_mlflow-0.1.0.dist-info", into="gyre_mlflow-0.1.0.dist-info")

# Layers first: a function's handler is imported together with the layers it will run on.
PARTS = (
    # Ours apart from theirs: a change of code moves 100 kB and not 25 MB (docs/decisions/0004).
    layer("gyre", None, GYRE),
    layer("runtime", "runtime.lock"),
    # SHAP's compiled kernel needs numpy alone; the package around it would bring scikit-learn and pandas along.
    layer("serving", "serving.lock", picks=(Pick("shap", "science.lock", "shap/_cext.*.so"),)),
    layer("lake", "lake.lock"),
    layer("postgres", "postgres.lock"),
    function("inference"),
    function("training_trigger"),
    function("prediction_log"),
    function("drift"),
    image("science", "gyre-science", "science.lock", Source("functions/science"), GYRE, ENTRY_POINTS),
)

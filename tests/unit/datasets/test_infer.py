"""A first model.yaml from a file: it has no faults, and the file it was guessed from fits it."""

import csv
import gzip
import importlib.util
import io
import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn.datasets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.catalogue import EXAMPLES
from examples.files import FORMATS
from gyre.aws.datasets import DeltaDatasets
from gyre.datasets.checks import Checker
from gyre.datasets.infer import infer_spec
from gyre.datasets.ingest import Parts, ingest
from gyre.datasets.report import RowCounts
from gyre.datasets.source import open_upload
from gyre.datasets.upload import Upload
from gyre.errors import Invalid, NotFound, TooLarge
from gyre.spec.check import read_spec
from gyre.spec.model import ModelSpec
from gyre.spec.versions import SpecVersion
from tests.fakes.objects import MemoryBucket
from tests.unit.examples.parts import frame_of

MOST_REJECTED = 0.05


def inferred(content: bytes | str, name: str = "rows.csv", **options: Any) -> ModelSpec:
    given_ = {"model": "m", "target": None} | options
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    return read_spec(infer_spec(name, stream, **given_))


def text_of(content: str, **options: Any) -> str:
    return infer_spec("rows.csv", io.BytesIO(content.encode()), **({"model": "m", "target": None} | options))


def refused(kind: type[Exception], content: bytes | str, name: str = "rows.csv", **options: Any) -> str:
    with pytest.raises(kind) as caught:
        inferred(content, name, **options)
    return str(caught.value)


def checked(spec: ModelSpec, content: bytes, name: str = "rows.csv") -> RowCounts:
    """Where the rows go under the spec."""
    opened = open_upload(name, io.BytesIO(content), spec.read)
    checker = Checker(spec, "ingest", opened.columns, {})
    for chunk in opened.chunks:
        checker.check(chunk)
    return checker.counts


def table(header: Sequence[str], rows: Sequence[Sequence[Any]], delimiter: str = ",") -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


# --- real tables ------------------------------------------------------------------------------------------------------

SKLEARN: dict[str, tuple[str, str, int]] = {
    "iris": ("target", "multiclass", 4),
    "wine": ("target", "multiclass", 13),
    "breast_cancer": ("target", "binary", 30),
    "digits": ("target", "multiclass", 64),
    "diabetes": ("target", "regression", 10),
    "linnerud": ("Pulse", "multiclass", 5),
}
NANNYML = Path(importlib.util.find_spec("nannyml").submodule_search_locations[0]) / "datasets" / "data"  # type: ignore[union-attr,index]
# Of the larger ones the beginning is enough.
HEAD = 3_000


def taken_in(content: bytes, name: str, spec: ModelSpec, folder: Path) -> RowCounts:
    """A whole ingest; what was taken."""
    data = MemoryBucket()
    data.put(f"inbox/m/{name}", content)
    parts = Parts(data, DeltaDatasets(str(folder)), lambda _: None)
    return ingest("run-1", Upload("m", f"inbox/m/{name}"), SpecVersion("m", 1, spec, b""), parts).rows


@pytest.mark.parametrize("name", SKLEARN)
def test_a_table_of_scikit_learn_is_taken_in_under_its_guess(name: str, tmp_path: Path) -> None:
    frame = getattr(sklearn.datasets, f"load_{name}")(as_frame=True).frame
    content = frame.to_csv(index=False).encode()
    spec = inferred(content, f"{name}.csv")
    assert (spec.target, spec.task, len(spec.features)) == SKLEARN[name]
    rows = taken_in(content, f"{name}.csv", spec, tmp_path)
    assert (rows.read, rows.rejected) == (len(frame), 0)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet", ".jsonl"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_taken_in_under_its_guess(name: str, ending: str, tmp_path: Path) -> None:
    frame = frame_of(name, 600)
    content = FORMATS[ending](frame)
    spec = inferred(content, f"{name}{ending}", target=EXAMPLES[name].target)
    by_hand = read_spec(EXAMPLES[name].spec.read_bytes())
    assert (spec.target, spec.task) == (by_hand.target, by_hand.task)
    assert list(spec.columns) == list(frame.columns)
    rows = taken_in(content, f"rows{ending}", spec, tmp_path)
    assert (rows.read, rows.rejected) == (600, 0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_guess_holds_for_the_next_file_of_the_same_kind(name: str) -> None:
    """Its ranges are wide enough, and nothing that came by chance is asked for."""
    spec = inferred(FORMATS[".csv"](frame_of(name, 2_000)), target=EXAMPLES[name].target)
    rows = checked(spec, FORMATS[".csv"](frame_of(name, 2_000, seed=2)))
    assert rows.rejected <= MOST_REJECTED * rows.read


def head_of(path: Path) -> tuple[str, bytes]:
    if path.suffix == ".pq":
        file = io.BytesIO()
        pq.write_table(pq.read_table(path).slice(0, HEAD), file)
        return f"{path.stem}.parquet", file.getvalue()
    with path.open("rb") as lines:
        return path.name, b"".join(line for line, _ in zip(lines, range(HEAD + 1), strict=False))


@pytest.mark.parametrize("path", sorted(NANNYML.glob("*.[cp][sq]*")), ids=lambda path: path.name)
def test_a_table_of_nannyml_fits_its_guess(path: Path) -> None:
    name, content = head_of(path)
    stem = name.partition(".")[0]
    if stem.endswith(("_gt", "_target", "_targets")):  # row and outcome, and nothing to tell it from
        assert "no column is left as a feature" in refused(Invalid, content, name)
        return
    spec = inferred(content, name)
    rows = checked(spec, content, name)
    assert rows.read > 400
    assert rows.rejected <= MOST_REJECTED * rows.read
    assert spec.columns[spec.target].type in ("boolean", "integer", "number", "category")
    if "id" in spec.columns:
        assert spec.id == "id" and spec.columns["id"].unique
    if "timestamp" in spec.columns:
        assert spec.time == "timestamp"


def test_there_are_tables_of_nannyml_to_speak_of() -> None:
    assert len(list(NANNYML.glob("*.[cp][sq]*"))) >= 20


def test_passengers_of_the_titanic() -> None:
    """A table with everything that real ones have: gaps, names, codes, categories."""
    spec = inferred((NANNYML / "titanic_reference.csv").read_bytes(), "titanic.csv")
    assert (spec.target, spec.task, spec.id) == ("Survived", "binary", "PassengerId")
    assert spec.columns["Name"].personal
    assert spec.columns["Sex"].protected and spec.columns["Sex"].values == ("female", "male")
    assert not spec.columns["Age"].required and spec.columns["Age"].range == (0, 88)
    assert spec.columns["home.dest"].type == "text"
    assert {"Name", "PassengerId", "Survived"}.isdisjoint(spec.features)


@pytest.mark.parametrize("name", ["wine_data.csv", "breast_cancer.csv"])
def test_a_first_row_that_names_no_columns_is_told(name: str) -> None:
    """As scikit-learn keeps them: counts and classes stand where names should."""
    path = Path(str(sklearn.datasets.__file__)).parent / "data" / name
    assert "first row, which must name the columns" in refused(Invalid, path.read_bytes(), name)


# --- columns ----------------------------------------------------------------------------------------------------------


def test_a_spec_says_what_was_seen_and_what_to_look_at() -> None:
    content = table(
        ["customer_id", "e_mail", "Age", "gender", "joined", "constant", "empty", "income", "bought"],
        [
            [f"c-{n}", f"{n}@example.org", 20 + n % 50 if n % 10 else "", "fm"[n % 2], f"2024-01-{1 + n % 28:02}", "x",
             "", 1000.5 + n, ["yes", "no"][n % 3 == 0]]
            for n in range(100)
        ],
    )  # fmt: skip
    assert text_of(content) == (
        "# Guessed from rows.csv (100 rows looked at). Read it, and say what is right.\n"
        "model: m\n"
        'description: ""\n'
        "task: binary\n"
        'target: "bought"  # guessed: name the column that is to be predicted\n'
        'id: "customer_id"  # no value occurs twice\n'
        'time: "joined"\n'
        "columns:\n"
        '  "customer_id": {type: category, required: true, unique: true}\n'
        '  "e_mail": {type: category, required: true, personal: true}  # looks personal\n'
        '  "Age": {type: integer, range: [16, 74]}  # 10.0% missing\n'
        '  "gender": {type: category, values: ["f", "m"], required: true, protected: true}\n'
        '  "joined": {type: time, required: true}\n'
        '  "constant": {type: category, values: ["x"], required: true}  # always the same: it tells a model nothing\n'
        '  "empty": {type: category}  # 100.0% missing, always the same: it tells a model nothing\n'
        '  "income": {type: number, range: [990, 1110], required: true}\n'
        '  "bought": {type: boolean, required: true}\n'
    )


def test_the_same_file_gives_the_same_text() -> None:
    content = table(["a", "b"], [[n, "xy"[n % 2]] for n in range(100)])
    assert text_of(content) == text_of(content)


def test_decimal_commas_and_semicolons() -> None:
    content = table(["Größe", "Preis", "verkauft"], [[f"1,{n}5", f"1.{n:03},50", "ja"] for n in range(60)], ";")
    content = content.replace("1,105;1.010,50;ja", "1,105;1.010,50;nein")
    spec = inferred(content.encode("cp1252"))
    assert spec.read.decimal == ","
    assert (spec.columns["Größe"].type, spec.columns["Preis"].type) == ("number", "number")
    assert spec.columns["Preis"].range == (994, 1066)
    assert checked(spec, content.encode("cp1252")).rejected == 0


@pytest.mark.parametrize(
    "name",
    ["a b", "a:b", "a: b", "# a", "a # b", "'a'", 'say "a"', "a, b", "{a}", "[a]", "- a", "? a", "! a", "& a", "* a",
     "%a", "@a", ">", "~", "null", "true", "yes", "1", "1.5", "-", "---", "...", "\\", "\\n", "größe", "年齢", "🍷",
     "a\u00a0b", "a\u2028b", "a\u0085b", "a\u200bb", "a\ufeffb", "a\x7fb", "e\u0301", "a" * 128, "<script>", "=1+1",
     "${api_key}", "target "],
)  # fmt: skip
def test_any_name_of_a_column_can_be_written(name: str) -> None:
    """And any category, too."""
    content = table([name, "class"], [[f"{name}x{n % 2}", n % 3] for n in range(12)]).encode()
    spec = inferred(content)
    assert list(spec.columns) == [name.strip(), "class"]
    assert checked(spec, content) == RowCounts(12, 12, flagged=6)
    chosen = inferred(content, target=name.strip())
    assert chosen.columns[name.strip()].values == (f"{name}x0", f"{name}x1")
    assert (chosen.target, chosen.task) == (name.strip(), "binary")


def test_names_that_a_table_cannot_tell_apart_are_told() -> None:
    assert "Age, age" in refused(Invalid, "Age,age,b\n1,2,3\n")


def test_columns_that_hold_several_kinds_are_categories() -> None:
    spec = inferred(table(["a", "b"], [[value, n % 2] for n in range(20) for value in ("1", "x", "2024-01-01", "1.5")]))
    assert spec.columns["a"].type == "category"
    assert set(spec.columns["a"].values or ()) == {"1", "x", "2024-01-01", "1.5"}


def test_a_table_of_thousands_of_columns() -> None:
    content = table([f"c{n}" for n in range(2_000)], [[f"{row}.{n}" for n in range(2_000)] for row in range(30)])
    assert text_of(content).count("range: [") == 1_999


def test_lists_of_categories_are_left_out_before_the_text_gets_too_long() -> None:
    """No model.yaml may hold more than 512 kB."""
    header = [*(f"c{n}" for n in range(600)), "class"]
    rows = [
        [*(f"a category with a long name, number {row % 40} of {n}" for n in range(600)), row % 3] for row in range(80)
    ]
    spec = inferred(table(header, rows))
    assert {column.values for column in spec.columns.values()} == {None}
    assert (spec.target, spec.task) == ("class", "multiclass")


def test_more_columns_than_can_be_declared_are_too_many() -> None:
    content = table([f"c{n}" for n in range(2_001)], [[1] * 2_001])
    assert "2,001 columns" in refused(TooLarge, content)


# --- targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "task", "kind"),
    [
        (["yes", "no"], "binary", "boolean"),
        (["yes", "Yes", "no", "N"], "binary", "boolean"),
        (["0", "1"], "binary", "boolean"),
        (["1", "2"], "binary", "integer"),
        (["1", "1.0", "2"], "binary", "integer"),
        (["a", "b"], "binary", "category"),
        (["a", "b", "c"], "multiclass", "category"),
        (["1", "2", "3"], "multiclass", "integer"),
        ([str(n) for n in range(31)], "regression", "integer"),
        (["1.5", "2.5", "3.5"], "regression", "number"),
        (["1.5", "2.5"], "binary", "category"),
    ],
)
def test_the_task_follows_from_what_is_predicted(values: list[str], task: str, kind: str) -> None:
    content = table(["a", "t", "z"], [[n, values[n % len(values)], n * 1.5] for n in range(124)])
    spec = inferred(content, target="t")
    assert (spec.target, spec.task, spec.columns["t"].type) == ("t", task, kind)
    assert spec.columns["t"].range is None, "what is predicted may go further than what was seen"
    assert checked(spec, content.encode()).rejected == 0


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("a,target,b", "target"),
        ("Y,a,b", "Y"),
        ("a,Label,outcome", "Label"),
        ("a,b,c", "c"),
        ("a,b,when", "b"),
        ("a,b,id", "b"),
        ("a,b,e_mail", "b"),
        ("a,class,when", "class"),
    ],
)
def test_a_target_is_guessed_by_its_name_or_its_place(header: str, target: str) -> None:
    names = header.split(",")
    cells: dict[str, Callable[[int], Any]] = {
        "when": lambda n: f"2024-01-{1 + n:02}", "id": lambda n: f"r{n}", "e_mail": lambda n: f"{n}@example.org",
    }  # fmt: skip
    content = table(names, [[cells.get(name, lambda n: n % 3)(n) for name in names] for n in range(20)])
    assert inferred(content).target == target
    assert "# guessed" in text_of(content)


def test_a_target_that_was_named_is_not_guessed() -> None:
    content = table(["a", "target", "b"], [[n, n % 2, n % 3] for n in range(20)])
    assert "# guessed" not in text_of(content, target="b")


def test_a_target_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(NotFound) as caught:
        text_of("a,b c,d\n1,2,3\n", target="B")
    assert caught.value.field == "target"
    assert "'B'" in caught.value.message and "a, b c, d" in caught.value.message
    with pytest.raises(NotFound) as caught:
        text_of(table([f"column {n}" for n in range(1_000)], [[1] * 1_000]), target="x")
    assert len(caught.value.message) < 700


@pytest.mark.parametrize("cell", ["x", "", "NA", "1", "yes"])
def test_what_is_always_the_same_cannot_be_predicted(cell: str) -> None:
    content = table(["a", "b"], [[n, cell] for n in range(20)])
    assert "nothing to predict" in refused(Invalid, content, target="b")
    assert inferred(content).target == "a"


@pytest.mark.parametrize(
    "cell", [lambda n: f"2024-01-{1 + n:02}", lambda n: f"these are the words of letter {n} of many"]
)
def test_times_and_words_cannot_be_predicted(cell: Callable[[int], str]) -> None:
    content = table(["a", "b"], [[n, cell(n)] for n in range(28)])
    message = refused(Invalid, content, target="b")
    assert "columns.b.type" in message
    assert "line" not in message, "nobody has seen the lines of a text that was not written"


def test_a_table_with_nothing_to_predict_asks() -> None:
    content = table(["id", "when"], [[n, f"2024-01-{1 + n:02}"] for n in range(20)])
    assert "Say which one" in refused(Invalid, content)


def test_rows_without_an_outcome_are_no_reason_to_refuse_the_others() -> None:
    """Half of the labels are still to come; a split leaves such rows out."""
    content = table(["a", "b"], [[n, n % 3 if n % 2 else ""] for n in range(60)])
    spec = inferred(content, target="b")
    assert not spec.columns["b"].required
    assert checked(spec, content.encode()).rejected == 0


def test_an_id_is_neither_listed_nor_bounded() -> None:
    """The next file has others."""
    spec = inferred(table(["customer_id", "a", "b"], [[f"c{n}", n * 0.5, n % 2] for n in range(20)]))
    assert spec.id == "customer_id"
    assert (spec.columns["customer_id"].values, spec.columns["customer_id"].unique) == (None, True)
    spec = inferred(table(["id", "a", "b"], [[1000 + n, n * 0.5, n % 2] for n in range(20)]))
    assert (spec.columns["id"].range, spec.features) == (None, ("a",))


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "a.csv", "empty"),
        (b"a,b\n", "a.csv", "no rows"),
        (b"a,b\n\n\n", "a.csv", "no rows"),
        (b"a,b\n1\n2\n3,4,5\n", "a.csv", "first row, which must name the columns"),
        (b"a\n1\n2\n", "a.csv", "one column, 'a'"),
        (b"a b\n1 2\n", "a.csv", "one column, 'a b'"),
        (b"a,a\n1,2\n", "a.csv", "more than one column named 'a'"),
        (b"a,\n1,2\n", "a.csv", "no name"),
        (b"a,b`c\n1,2\n", "a.csv", "backticks"),
        (b"a,_gyre_row\n1,2\n", "a.csv", "_gyre"),
        (b"PK\x03\x04", "a.csv", "Excel"),
        (b"a,b\n1,2\n", "a.xlsx", "unknown ending"),
        (b"a,b\n1,2\n", "a", "unknown ending"),
        (b"PAR1", "a.parquet", "Parquet"),
        (b"\x1f\x8b no", "a.csv.gz", "gzip"),
        (gzip.compress(b"a,b\n"), "a.csv.gz", "no rows"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(content: bytes, name: str, says: str) -> None:
    assert says in refused(Invalid, content, name)


@pytest.mark.parametrize("model", ["Wine", "", "1", "a b", "../x"])
def test_what_is_no_models_name_is_told_before_the_file_is_read(model: str) -> None:
    class Untouched(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("read")

    with pytest.raises(Invalid) as caught:
        infer_spec("a.csv", Untouched(), model=model, target=None)
    assert caught.value.field == "model"


def test_a_name_of_a_file_stays_in_its_comment() -> None:
    text = infer_spec("a\ntask: x\u2028\x1b[31m.csv", io.BytesIO(b"a,b\n1,0\n2,1\n"), model="m", target=None)
    assert text.splitlines()[0] == "# Guessed from atask: x[31m.csv (2 rows looked at). Read it, and say what is right."
    assert read_spec(text).task == "binary"


def test_of_a_long_file_the_beginning_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gyre.datasets.infer._ROWS", 1_000)
    monkeypatch.setattr("gyre.datasets.csv_rows.CHUNK_ROWS", 500)
    content = table(["a", "b"], [[n, n % 2] for n in range(5_000)])
    assert "(1,000 rows looked at)" in text_of(content)
    monkeypatch.setattr("gyre.datasets.infer._BYTES", 1)
    assert "(500 rows looked at)" in text_of(content)


def test_parquet_keeps_its_types() -> None:
    rows = pa.table({
        "n": [1, 2, None, 4], "x": [0.5, 1.5, 2.5, 3.5], "flag": [True, False, None, True],
        "word": ["a", "b", "a", "b"], "at": pa.array([0, 1, 2, 3], pa.timestamp("s")),
    })  # fmt: skip
    file = io.BytesIO()
    pq.write_table(rows, file)
    spec = inferred(file.getvalue(), "a.parquet", target="word")
    assert [column.type for column in spec.columns.values()] == ["integer", "number", "boolean", "category", "time"]


# --- whatever comes ---------------------------------------------------------------------------------------------------

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
CELLS: list[st.SearchStrategy[str]] = [
    st.integers(-(10**20), 10**20).map(str),
    st.integers(0, 3).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.floats(-1e6, 1e6).map(lambda x: f"{x:.3f}".replace(".", ",")),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(["yes", "no", "Yes", "NO", "", "NA", "true", "1", "0.0"]),
    st.text(LETTERS, max_size=12),
    st.text(string.digits + "-+.,eE ", max_size=6),
    st.sampled_from(["", " ", "null", "?"]),
]


@st.composite
def tables(draw: st.DrawFn) -> str:
    count, kinds = draw(st.integers(1, 12)), draw(st.lists(st.sampled_from(CELLS), min_size=2, max_size=5))
    columns = [draw(st.lists(kind, min_size=count, max_size=count)) for kind in kinds]
    names = [draw(st.sampled_from(["id", "name", "target", "x", "time"])) + str(at) for at in range(len(kinds))]
    return table(
        [name if draw(st.booleans()) else name[:-1] + f" {name[-1]}" for name in names],
        list(zip(*columns, strict=True)),
    )


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(tables())
def test_a_file_always_fits_what_was_guessed_from_it(content: str) -> None:
    """Where nothing can be guessed, that is Invalid and nothing else."""
    try:
        spec = inferred(content)
    except Invalid:
        return
    opened = open_upload("rows.csv", io.BytesIO(content.encode()), spec.read)
    assert checked(spec, content.encode()).rejected == sum(len(chunk.malformed) for chunk in opened.chunks)

"""The split of a dataset version: which row is trained on, judged on, kept as the reference. Rows stay in their table;
what is kept is the part of each, so that a person who is erased there is erased here, too."""

import hashlib
import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gyre.datasets.identity import ALONE, first_of_each, identities, identity_columns
from gyre.datasets.kept_split import KeptSplit, keep_split, read_split, splits_folder
from gyre.datasets.rows import as_numpy
from gyre.datasets.split import NO_PART, PARTS, divide
from gyre.datasets.table import ROW, UPLOAD, DatasetTables
from gyre.datasets.version import versions
from gyre.errors import Conflict, NotFound
from gyre.objects import ObjectStore
from gyre.spec.model import ModelSpec
from gyre.spec.versions import SpecVersion

_ORDER = "_gyre_order"


def split_version(version: int, declared: SpecVersion, data: ObjectStore, tables: DatasetTables) -> KeptSplit:
    """Divides a version as the spec says. The same version and spec always give the same parts."""
    model, spec = declared.model, declared.spec
    name = f"{splits_folder(model)}{version:08}-{_digest(spec)}"
    try:
        return read_split(f"{name}.json", data)
    except NotFound:
        rows = _ordered(version, spec, data, tables)
    parts = _parts(spec, rows)
    content = _assignments(rows, parts)
    counts = {name: int(np.count_nonzero(parts == at)) for at, name in enumerate(PARTS)}
    split = KeptSplit(
        model,
        version,
        declared.version,
        f"{name}.parquet",
        hashlib.sha256(content).hexdigest(),
        counts,
        int(np.count_nonzero(parts == NO_PART)),
        spec.split.by,
        spec.split.seed,
    )
    data.write(split.key, content, content_type="application/vnd.apache.parquet")
    try:
        keep_split(f"{name}.json", split, data)
    except Conflict:  # another run was faster, with the same result
        return read_split(f"{name}.json", data)
    return split


def read_part(
    split: KeptSplit, part: str, columns: Sequence[str], data: ObjectStore, tables: DatasetTables
) -> pa.Table:
    """The rows of one part, in the order in which they came in."""
    return _joined(split, part, columns, data, tables).select(list(columns))


def seen(
    split: KeptSplit, part: str, trained: KeptSplit, spec: ModelSpec, data: ObjectStore, tables: DatasetTables
) -> np.ndarray:
    """Of each row that `read_part` gives, whether a model that was trained on another split, perhaps of another
    version, knows it: the row itself, or one that is the same case by that model's spec."""
    columns = identity_columns(spec)
    rows = _joined(split, part, columns, data, tables)
    learned = _joined(trained, "train", columns, data, tables)
    numbered = rows.select([UPLOAD, ROW]).append_column("at", pa.array(np.arange(rows.num_rows)))
    itself = numbered.join(learned.select([UPLOAD, ROW]), [UPLOAD, ROW], join_type="left semi")
    like = identities(learned, spec)
    found = np.isin(identities(rows, spec), like[like != ALONE])
    found[itself["at"].to_numpy()] = True
    return found


def _joined(split: KeptSplit, part: str, columns: Sequence[str], data: ObjectStore, tables: DatasetTables) -> pa.Table:
    """What the table still holds of a part, in the order in which it came in."""
    wanted = _of_part(split, part, data).append_column(_ORDER, pa.array(np.arange(split.rows[part])))
    rows = tables.read(split.model, "processed", split.dataset, [UPLOAD, ROW, *columns])
    joined = wanted.select([UPLOAD, ROW, _ORDER]).join(rows, [UPLOAD, ROW], join_type="inner")
    return joined.sort_by(_ORDER)


def _of_part(split: KeptSplit, part: str, data: ObjectStore) -> pa.Table:
    assigned = pq.read_table(io.BytesIO(data.read(split.key).content))
    return assigned.filter(pc.equal(assigned["part"], PARTS.index(part)))


def _ordered(version: int, spec: ModelSpec, data: ObjectStore, tables: DatasetTables) -> pa.Table:
    """What a split needs of each row: those of the oldest upload first, in the order of their file."""
    needed = dict.fromkeys(filter(None, (spec.target, spec.time, spec.id, spec.group, *identity_columns(spec))))
    rows = tables.read(spec.model, "processed", version, [UPLOAD, ROW, *needed])
    ingests = rows[UPLOAD].combine_chunks().dictionary_encode()
    names = ingests.dictionary.to_pylist()
    came: dict[str, int] = {}
    for known in versions(spec.model, data, before=version + 1):
        came[known.ingest] = known.version
        if came.keys() >= set(names):
            break
    # An ingest without a record was ended right before it was written; its rows lie in the table all the same.
    numbers = [came.get(name) or tables.version_of(spec.model, "processed", name) or 0 for name in names]
    number_of = np.array(numbers, dtype=np.int64)
    order = np.lexsort((rows[ROW].to_numpy(), number_of[ingests.indices.to_numpy()]))
    return rows.take(pa.array(order))


def _parts(spec: ModelSpec, rows: pa.Table) -> np.ndarray:
    parts = np.full(rows.num_rows, NO_PART, dtype=np.int8)  # also of a row that a newer one of its id replaces
    first = np.arange(rows.num_rows) if spec.id or spec.group else first_of_each(identities(rows, spec))
    current = _newest_of_each_id(rows, spec.id) & (first == np.arange(rows.num_rows))
    chosen = rows.filter(pa.array(current))
    columns = [None if name is None else _column(chosen, name) for name in (spec.target, spec.time, spec.group)]
    parts[current] = divide(spec, columns[0], columns[1], columns[2])  # type: ignore[arg-type]  # a target there is
    return parts[first]  # a row that came again, in a later upload perhaps, stands where the first one does


def _newest_of_each_id(rows: pa.Table, name: str | None) -> np.ndarray:
    """A row that came later replaces one with the same id; rows without an id stand for themselves."""
    if name is None:
        return np.ones(rows.num_rows, dtype=bool)
    ids = rows[name].combine_chunks().dictionary_encode()
    codes = ids.indices.fill_null(-1).to_numpy()
    newest = np.full(len(ids.dictionary) + 1, -1, dtype=np.int64)
    newest[codes] = np.arange(rows.num_rows)  # of equal codes the last one stays
    return np.asarray((codes == -1) | (newest[codes] == np.arange(rows.num_rows)))


def _column(rows: pa.Table, name: str) -> np.ndarray:
    return as_numpy(rows[name].combine_chunks())


def _assignments(rows: pa.Table, parts: np.ndarray) -> bytes:
    table = rows.select([UPLOAD, ROW]).append_column("part", pa.array(parts))
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _digest(spec: ModelSpec) -> str:
    told = spec.model_dump_json(include={"task", "target", "id", "time", "group", "split"})
    return hashlib.sha256(told.encode()).hexdigest()[:12]

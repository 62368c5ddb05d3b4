"""The journal's records in PostgreSQL."""

from collections.abc import Callable, Sequence

from gyre.journal.record import JournalRecord
from gyre.postgres.database import Database, Run
from gyre.postgres.lines import lines_for
from gyre.postgres.tables import prepare

# A writer holds it with others, who erases holds it alone: no row slips in between looking and blanking.
_ERASING = 7_089_331_820_002
# Messages live 14 days in the journal's queue and 14 in the sink's; some were kept as dead letters before.
_REMEMBERED = "180 days"
_CALL = (
    "event_id text, shape integer, model text, kind text, at timestamptz, status integer, duration_ms double precision,"
    " times jsonb, cold boolean, memory_mb bigint, caller text, correlation_id text, asked text, served jsonb,"
    " rows integer, error jsonb"
)
_ROW = (
    'event_id text, "row" integer, row_id text, version bigint, prediction text, value double precision,'
    " confidence double precision, features jsonb, answer jsonb, persons text[]"
)
_CALLS, _ROWS = (", ".join(each.split()[0] for each in columns.split(", ")) for columns in (_CALL, _ROW))
# A call that is there already is there with all its rows.
_WRITE = f"""
    with fresh as (
        insert into gyre.calls ({_CALLS})
        select {_CALLS} from json_to_recordset(cast(:calls as json)) as told ({_CALL})
        on conflict do nothing
        returning event_id
    )
    insert into gyre.predictions ({_ROWS})
    select {_ROWS} from json_to_recordset(cast(:rows as json)) as told ({_ROW}) join fresh using (event_id)
"""
_BLANK = (
    "row_id = null, prediction = null, value = null, confidence = null, features = null, answer = null,"
    " persons = null, erased = true"
)
_HASH = "encode(sha256(convert_to({0}, 'UTF8')), 'hex')"
# What was on its way while a person was erased.
_BLANK_LATE = f"""
    update gyre.predictions as late set {_BLANK}
    from gyre.calls as call
    where late.event_id in (select event_id from json_to_recordset(cast(:calls as json)) as told (event_id text))
    and late.persons is not null and call.event_id = late.event_id and exists (
        select from unnest(late.persons) as named (person)
        join gyre.erased on erased.person = {_HASH.format("named.person")}
        where erased.at >= call.at
    )
"""
_FOUND = "update gyre.predictions set {0} where not erased and (persons && :those or row_id = any(:those))"
_ERASE = f"with found as ({_FOUND.format(_BLANK)} returning 1) select count(*) from found"
# Of who was erased a hash is enough, and not for ever.
_REMEMBER = f"""
    insert into gyre.erased (person, at)
    select distinct {_HASH.format("person")}, clock_timestamp() from unnest(cast(:those as text[])) as named (person)
    on conflict (person) do update set at = excluded.at
"""
_FORGET = f"delete from gyre.erased where at < now() - interval '{_REMEMBERED}'"


class PostgresSink:
    """`Sink` over two tables; `read_secret` tells how their database is reached."""

    def __init__(self, read_secret: Callable[[], str]) -> None:
        self._database = Database(read_secret, prepare)

    def write(self, records: Sequence[JournalRecord]) -> None:
        lines = lines_for(records)

        def work(run: Run) -> None:
            if lines.about_persons:
                run("select pg_advisory_xact_lock_shared(:key)", key=_ERASING)
            run(_WRITE, calls=lines.calls, rows=lines.rows)
            if lines.about_persons:
                run(_BLANK_LATE, calls=lines.calls)

        if records:
            self._database.transaction(work)

    def erase(self, pseudonyms: Sequence[str]) -> int:
        """Blanks the rows, and of those that come later what is of before. The events stay, as what comes twice must
        be known."""

        def work(run: Run) -> int:
            run("select pg_advisory_xact_lock(:key)", key=_ERASING)
            run(_REMEMBER, those=list(pseudonyms))
            run(_FORGET)
            return int(run(_ERASE, those=list(pseudonyms))[0][0])

        return self._database.transaction(work) if pseudonyms else 0

    def close(self) -> None:
        """Ends its connection; the next call opens another."""
        self._database.close()

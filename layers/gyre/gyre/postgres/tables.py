"""The tables, in the schema `gyre`: made on first use, and changed by later versions one step after the other."""

from gyre.postgres.database import Run

# A step that was carried out anywhere is never changed: another one is added.
STEPS = (
    """
    create table gyre.calls (
        event_id text primary key,
        shape integer not null,
        model text,
        kind text not null,
        at timestamptz not null,
        status integer not null,
        duration_ms double precision not null,
        times jsonb not null,
        cold boolean not null,
        memory_mb bigint,
        caller text not null,
        correlation_id text not null,
        asked text not null,
        served jsonb not null,
        rows integer not null,
        error jsonb
    );
    create index calls_by_model on gyre.calls (model, at);
    create table gyre.predictions (
        event_id text not null references gyre.calls on delete cascade,
        "row" integer not null,
        row_id text,
        version bigint,
        prediction text,
        value double precision,
        confidence double precision,
        features jsonb,
        answer jsonb,
        erased boolean not null default false,
        persons text[],
        primary key (event_id, "row")
    );
    -- A hash takes an id of any length.
    create index predictions_by_row_id on gyre.predictions using hash (row_id) where row_id is not null;
    create index predictions_by_person on gyre.predictions using gin (persons) where persons is not null;
    create table gyre.erased (
        person text primary key,
        at timestamptz not null
    );
    """,
)
_LOCK = 7_089_331_820_001
_THERE = "select to_regclass('gyre.migrations') is not null"


def prepare(run: Run) -> None:
    """Carries out the steps that are missing. Where there is none, nothing needs a right to create anything."""
    if _missing(run):
        run("select pg_advisory_xact_lock(:key)", key=_LOCK)
        if not run("select to_regnamespace('gyre') is not null")[0][0]:
            run("create schema gyre")
        if not run(_THERE)[0][0]:
            run("create table gyre.migrations (step integer primary key, at timestamptz not null default now())")
        for step in _missing(run):  # somebody else may have been faster
            run(STEPS[step - 1])
            run("insert into gyre.migrations (step) values (:step)", step=step)


def _missing(run: Run) -> range:
    """The steps from the first that was not carried out. A newer version's are none of ours, and do no harm: what is
    written names its columns."""
    done = run("select coalesce(max(step), 0) from gyre.migrations")[0][0] if run(_THERE)[0][0] else 0
    return range(int(done) + 1, len(STEPS) + 1)

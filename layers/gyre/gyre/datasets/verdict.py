"""What is said of a whole upload: whether it is taken, and what a person should look at."""

from collections.abc import Sequence

from gyre.datasets.report import Alert, Finding, Report
from gyre.errors import Invalid
from gyre.spec.base import alike
from gyre.spec.model import ModelSpec

_NAMED = 12  # names in one message


def check_names(columns: Sequence[str]) -> None:
    """`Invalid` if two columns of the file would be one in a table."""
    if same := alike(columns):
        raise Invalid(
            f"The file has columns whose names differ in capitals alone, and a table cannot tell them apart: "
            f"{_named(same)}. Rename all but one.",
            field="columns",
        )


def absent_columns(spec: ModelSpec, columns: Sequence[str]) -> tuple[str, ...]:
    """Declared, and not in the file. `Invalid` if the upload means nothing without them."""
    absent = tuple(name for name in spec.columns if name not in columns)
    needed = [name for name in absent if name == spec.target or spec.columns[name].required]
    if needed or len(absent) == len(spec.columns):
        raise Invalid(
            f"The file lacks {_named(needed or absent)}. It has {len(columns)} column{'s' * (len(columns) > 1)}: "
            f"{_named(columns)}. Names must match model.yaml to the letter; if the cells were taken apart wrongly, "
            "declare `read: {delimiter: …}` there.",
            field="columns",
        )
    return absent


def refuse(spec: ModelSpec, report: Report, failing: Sequence[Finding]) -> None:
    """`Invalid` if the upload as a whole breaks a limit; nothing of it is taken then."""
    rows, quality = report.rows, spec.quality
    if failing:
        told = "; ".join(f"{_of(each)}: {each.count:,} rows" for each in failing)
        raise Invalid(f"The upload breaks checks whose action is `fail`: {told}.")
    share = rows.rejected / max(rows.rejected + rows.accepted, 1)
    if share > quality.rejected:
        first = "; ".join(f"{_of(each)}: {each.count:,}" for each in report.findings if each.action == "reject")
        raise Invalid(
            f"{rows.rejected:,} of {rows.rejected + rows.accepted:,} rows are rejected ({share:.1%}), and "
            f"{quality.rejected:.1%} is the limit (quality.rejected). By check: {first[:800]}.",
            field="quality.rejected",
        )
    if rows.accepted < quality.minimum_rows:
        raise Invalid(
            f"{rows.accepted:,} of {rows.read:,} rows are left, and {quality.minimum_rows:,} are the least "
            f"(quality.minimum_rows); {rows.filtered:,} were left out by `filter`, {rows.rejected:,} rejected.",
            field="quality.minimum_rows",
        )


def alerts_of(spec: ModelSpec, report: Report) -> tuple[Alert, ...]:
    """What to look at although the upload was taken."""
    rows, alerts = report.rows, []
    if report.unknown_columns:
        alerts.append(
            Alert("unknown_columns", f"columns that model.yaml does not know: {_named(report.unknown_columns)}")
        )
    if report.absent_columns:
        alerts.append(Alert("absent_columns", f"declared columns that the file lacks: {_named(report.absent_columns)}"))
    if rows.accepted and rows.flagged / rows.accepted > spec.quality.flagged:
        alerts.append(Alert("flagged", f"{rows.flagged / rows.accepted:.1%} of the rows are flagged"))
    alerts += [
        Alert("missing", f"{each.missing / each.count:.1%} of {each.name} is missing")
        for each in report.columns
        if each.count and each.missing / each.count > spec.quality.missing and each.name not in report.absent_columns
    ]
    return tuple(alerts)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(repr(name)[1:-1] for name in names[:_NAMED]) + more


def _of(finding: Finding) -> str:
    return f"{finding.code} of {finding.column}" if finding.column else finding.code

"""From files to the ledger: read, validate, append, quarantine; every row accounted for."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from riskscore import readers
from riskscore.ledger import append
from riskscore.ledger.append import quarantine
from riskscore.pipelines.refusals import refusals
from riskscore.tables import INGESTED, Table
from riskscore.validation import Validated, validate_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from riskscore.config import Config
    from riskscore.ledger import Transaction
    from riskscore.readers import Format


_SHOWN_REASONS = 3


@dataclass(frozen=True, slots=True)
class Source:
    """A file, read and validated, not yet appended."""

    path: str
    sha256: str
    rows: int
    tables: dict[str, Validated]


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of the rows of one table.

    Attributes:
        read: rows in the files.
        quarantined: rows refused, by validation, by what the clock or the ledger says against them
            (riskscore.pipelines.refusals), or as conflicts.
        newly_quarantined: those of them that the ledger did not hold yet.
        fates: one row per accepted row, see riskscore.ledger.append.Appended.
        findings: accepted rows per column whose code is not of the expected form.
        reasons: the commonest reasons of refusal, without the values that came, and their rows.
    """

    read: int
    quarantined: int
    newly_quarantined: int
    fates: pd.DataFrame
    findings: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)

    def count(self, fate: str) -> int:
        """Accepted rows with that fate: new, superseded or duplicate."""
        return int((self.fates["fate"] == fate).sum())


def read_sources(paths: Sequence[Path], table: str, file_format: Format, config: Config) -> list[Source]:
    """Read and validate files without touching the ledger.

    Raises:
        InputError: a file is absent, unreadable, or has columns the table does not know.
    """
    files = [readers.read(path, table, file_format, config) for path in readers.expand(paths)]
    validated: list[dict[str, Validated]] = [{} for _ in files]
    for name in {name: None for file in files for name in file.tables}:
        holders = [at for at, file in enumerate(files) if name in file.tables]
        raws, wheres = [files[at].tables[name] for at in holders], [str(files[at].path) for at in holders]
        for at, halves in zip(holders, validate_all(raws, INGESTED[name], wheres), strict=True):
            validated[at][name] = halves
    return [Source(str(f.path), f.sha256, f.rows, tables) for f, tables in zip(files, validated, strict=True)]


def take_in(transaction: Transaction, sources: Sequence[Source], table: Table, zone: ZoneInfo) -> Intake:
    """Append one table of `sources` and keep what was refused, inside the command's transaction.

    The files are taken together: a row that stands in two of them is a duplicate, whatever their order.
    """
    parts = [(source, source.tables[table.name]) for source in sources if table.name in source.tables]
    accepted, places = _together([(source.path, validated.accepted) for source, validated in parts])
    reasons = refusals(transaction, table, accepted)
    believed = accepted.filter(pc.invert(_among(accepted, reasons))) if reasons else accepted
    appended = append(transaction, table, believed, zone)
    kept = sum(
        quarantine(transaction.connection, transaction.seq, table, source.path, validated.quarantined)
        for source, validated in parts
    )
    conflicts = appended.fates["fate"] == "conflict"
    reasons |= dict.fromkeys(appended.fates.loc[conflicts, "_row"].tolist(), appended.conflict_reason)
    kept += _quarantine_refused(transaction, table, accepted, reasons, places)
    refused = sum(validated.quarantined.num_rows for _, validated in parts) + len(reasons)
    return Intake(
        read=refused + len(appended.fates) - int(conflicts.sum()),
        quarantined=refused,
        newly_quarantined=kept,
        fates=appended.fates[~conflicts],
        findings=_sum([validated.findings for _, validated in parts]),
        reasons=_commonest([validated for _, validated in parts], reasons),
    )


def _among(rows: pa.Table, numbers: Mapping[int, str]) -> pa.ChunkedArray:
    return pc.is_in(rows["_row"], pa.array(list(numbers), pa.int64()))


def _together(parts: Sequence[tuple[str, pa.Table]]) -> tuple[pa.Table, pd.DataFrame]:
    """All accepted rows, numbered through, and where each stood: source, row_number."""
    rows = pa.concat_tables([accepted for _, accepted in parts])
    paths = [path for path, accepted in parts for _ in range(accepted.num_rows)]
    places = pd.DataFrame({"source": pd.Series(paths, dtype="str"), "row_number": rows["_row"].to_pandas()})
    numbers = pa.array(range(rows.num_rows), pa.int64())
    return rows.set_column(rows.schema.get_field_index("_row"), "_row", numbers), places


def _quarantine_refused(
    transaction: Transaction, table: Table, accepted: pa.Table, reasons: Mapping[int, str], places: pd.DataFrame
) -> int:
    """Keep rows that validation accepted and something else did not: `_row` -> reason."""
    kept = 0
    for source, rows in places.loc[sorted(reasons)].groupby("source", sort=True):
        chosen = accepted.filter(_among(accepted, dict.fromkeys(rows.index, "")))
        raw = [json.dumps(row, default=str) for row in chosen.drop_columns(["_row"]).to_pylist()]
        refused = pa.table(
            {
                "_row": pa.array(rows["row_number"].to_numpy(), pa.int64()),
                "reasons": pa.array([[reasons[number]] for number in rows.index], pa.list_(pa.string())),
                "raw": pa.array(raw, pa.string()),
            }
        )
        kept += quarantine(transaction.connection, transaction.seq, table, str(source), refused)
    return kept


def _commonest(parts: Sequence[Validated], later: Mapping[int, str]) -> dict[str, int]:
    """The commonest reasons of validation, and of the rows refused `later`."""
    given = [reason for part in parts for some in part.quarantined["reasons"].to_pylist() for reason in some]
    counts = Counter(reason.split(", got ")[0] for reason in [*given, *later.values()])
    return {reason: count for reason, count in counts.most_common(_SHOWN_REASONS) if count}


def _sum(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            total[name] = total.get(name, 0) + number
    return total

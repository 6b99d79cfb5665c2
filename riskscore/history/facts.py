"""The facts that move history, as double-entry bookkeeping.

Whatever becomes known about a shipment is written on one of two sides: `filed` for what now stands, `withdrawn` for
what no longer does (a version overtaken, a bill deleted, an exam result corrected). Nothing is subtracted; who reads
takes the net. A fact counts from the morning after its day. It weighs as of its weight day, and so does what withdraws
it: of a version the day it came to stand, of a finding or event the day of the last word that changed it.

- **traffic**: of a shipment, the version that stands at the end of a day.
- **findings**: of a shipment, what its exams came to by the latest word on each finding. Booked under the version that
  stands, nothing while that is a deletion; booked anew when another version stands or it comes to something else.
- **post-entry**: of each event of an entry, the latest word on it; booked like findings.

Findings and events count from the later of the day they became known and the day their shipment entered history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from riskscore.history import facts_sql
from riskscore.history.bins import bins_of
from riskscore.history.keys import Coded, derived, key_columns, source_columns
from riskscore.history.kinds import KINDS
from riskscore.history.measures import ACCOUNTS
from riskscore.reference import PACKAGED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

    from riskscore.history.kinds import EntityKind
    from riskscore.reference import Tables

SIDES = ("filed", "withdrawn")


@dataclass(frozen=True, slots=True)
class Entries:
    """n facts of one account, days ascending.

    Attributes:
        day: int32 days since 1970-01-01, the day the fact became known.
        side: int8, 0 filed or 1 withdrawn.
        weight_day: int32, at most `day`: how old the fact is; of a withdrawal, the fact it withdraws.
        keys: the key columns, n rows each.
        amounts: int64 per measure of the account (riskscore.history.measures.ACCOUNTS).
        bins: traffic only: int16 bin per quantity (riskscore.history.bins), -1 = none.
    """

    day: NDArray[np.int32]
    side: NDArray[np.int8]
    weight_day: NDArray[np.int32]
    keys: Mapping[str, Coded]
    amounts: Mapping[str, NDArray[np.int64]]
    bins: Mapping[str, NDArray[np.int16]]

    def take(self, rows: NDArray[np.intp]) -> Entries:
        """The facts at `rows`, in that order."""
        return Entries(
            self.day[rows],
            self.side[rows],
            self.weight_day[rows],
            {name: column.take(rows) for name, column in self.keys.items()},
            {name: amounts[rows] for name, amounts in self.amounts.items()},
            {name: bins[rows] for name, bins in self.bins.items()},
        )


Facts = dict[str, Entries]
"""Facts by account: traffic, findings and post_entry."""


def read_facts(
    connection: duckdb.DuckDBPyConnection,
    *,
    after: date | None,
    through: date,
    position: int,
    kinds: Sequence[EntityKind] = KINDS,
    tables: Tables = PACKAGED,
) -> Facts:
    """The facts of the days in (`after`, `through`], as the log told them up to `position`.

    Args:
        connection: the ledger.
        after: last day folded already; None = from the beginning.
        through: last day wanted.
        position: ledger position; later rows do not exist for this reading.
        kinds: the kinds to be folded: their key columns are read.
        tables: reference tables in use.

    Raises:
        ConfigError: a kind named by a column that cannot name an entity.
    """
    columns = key_columns(kinds)
    params = {"position": position, "after": after or date.min, "through": through}
    found = {}
    for account in ACCOUNTS:
        query = facts_sql.query(account, source_columns(columns))
        found[account] = entries(account, connection.sql(query, params=params).to_arrow_table(), columns, tables)
    return found


def entries(account: str, rows: pa.Table, columns: Sequence[str], tables: Tables = PACKAGED) -> Entries:
    """Facts of an account as its query gives them, in any order."""
    day = rows["day"].to_numpy().astype(np.int32)
    order = np.argsort(day, kind="stable")
    sources = {name: Coded.of(rows[name]).take(order) for name in source_columns(columns)}
    amounts = {measure: _whole(rows[measure]).take(order) for measure in ACCOUNTS[account]}
    bins = {}
    if account == "traffic":
        quantity = rows["quantity"].to_numpy().astype(np.float64).take(order)
        bins = bins_of(amounts["value_cents"], amounts["weight_g"], quantity)
    return Entries(
        day=day.take(order),
        side=rows["side"].to_numpy().astype(np.int8).take(order),
        weight_day=rows["weight_day"].to_numpy().astype(np.int32).take(order),
        keys=derived(columns, sources, rows["arrival"].to_numpy().astype(np.int32).take(order), tables),
        amounts=amounts,
        bins=bins,
    )


def _whole(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.to_numpy(), np.int64)

"""The facts that move history, as double-entry bookkeeping.

Whatever becomes known about a shipment is written on one of two sides: `filed` for what now stands, `withdrawn` for
what no longer does (a version overtaken, a bill deleted, an exam result corrected). Nothing is subtracted; who reads
takes the net. A fact counts from the morning after its day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore import reference
from riskscore.history.kinds import HS_SQL, KEY_COLUMNS
from riskscore.ledger.schema import VERSION_ORDER
from riskscore.tables import OUTCOMES

if TYPE_CHECKING:
    from datetime import date

    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

MEASURES = ("shipments", "value_cents", "weight_g", "amendments", "deletions", "exams", "hits", "seizures",
            "recovered_cents")  # fmt: skip
"""What is counted of each entity, in whole numbers."""

SIDES = ("filed", "withdrawn")

BINS = 128
_BINS_PER_OCTAVE = 4
# The histogram spans 2^-12 (0.02 cents/kg) to 2^20 (a million USD/kg); what lies outside goes to the end bins.
_FIRST_OCTAVE = -12


@dataclass(frozen=True, slots=True)
class Facts:
    """n facts, days ascending.

    Attributes:
        day: int32 days since 1970-01-01, the day the fact became known.
        side: int8, 0 filed or 1 withdrawn.
        keys: the KEY_COLUMNS as text, null where not stated.
        measures: int64, n x len(MEASURES).
        unit_value_bin: int16 bin of value per kilogram, -1 for facts that carry none.
    """

    day: NDArray[np.int32]
    side: NDArray[np.int8]
    keys: pa.Table
    measures: NDArray[np.int64]
    unit_value_bin: NDArray[np.int16]


def unit_value_bins(value_cents: NDArray[np.float64], weight_g: NDArray[np.float64]) -> NDArray[np.int16]:
    """Bin of value per kilogram on a fixed logarithmic scale, four bins an octave; -1 where either is null or 0.

    >>> unit_value_bins(np.array([100.0, 200.0, np.nan]), np.array([1000.0, 1000.0, 5.0])).tolist()
    [48, 52, -1]
    """
    stated = (value_cents > 0) & (weight_g > 0)
    per_kg = np.divide(value_cents * 10, weight_g, out=np.ones_like(value_cents), where=stated)
    octaves = np.log2(per_kg) - _FIRST_OCTAVE
    bins = np.clip(np.floor(octaves * _BINS_PER_OCTAVE), 0, BINS - 1)
    return np.where(stated, bins, -1).astype(np.int16)


def bin_value(bins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value per kilogram (USD) at the middle of each bin."""
    return np.exp2((bins + 0.5) / _BINS_PER_OCTAVE + _FIRST_OCTAVE)


def read_facts(connection: duckdb.DuckDBPyConnection, *, after: date | None, through: date, position: int) -> Facts:
    """The facts of the days in (`after`, `through`], as the log told them up to `position`.

    Args:
        connection: the ledger.
        after: last day folded already; None = from the beginning.
        through: last day wanted.
        position: ledger position; later rows do not exist for this reading.
    """
    from datetime import date as calendar

    days = {"position": position, "after": after or calendar(1, 1, 1), "through": through}
    rows = connection.sql(_FACTS, params=days).to_arrow_table()
    measures = np.column_stack([rows[name].to_numpy() for name in MEASURES]).astype(np.int64)
    has_value = measures[:, 0] > 0
    bins = unit_value_bins(rows["value_cents"].to_numpy() * 1.0, rows["weight_g"].to_numpy() * 1.0)
    return Facts(
        day=rows["day"].to_numpy().astype(np.int32),
        side=rows["side"].to_numpy().astype(np.int8),
        keys=rows.select(KEY_COLUMNS),
        measures=measures,
        unit_value_bin=np.where(has_value, bins, np.int16(-1)),
    )


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_KEYS = ", ".join(KEY_COLUMNS)
_POSITIVE = f"result IN ({_quoted(reference.POSITIVE)})"
_CONCLUDED = f"result IN ({_quoted(reference.POSITIVE + reference.CLEAR)})"
_EXCLUDED = f"result IN ({_quoted(reference.EXCLUDED)})"
_NO_EXAM = "0 AS exams, 0 AS hits, 0 AS seizures, 0 AS recovered_cents"
_NO_SHIPMENT = "0 AS shipments, 0 AS value_cents, 0 AS weight_g, 0 AS amendments, 0 AS deletions"

_FACTS = f"""
WITH touched AS (
    SELECT shipment_id FROM shipments_log
        WHERE seq <= $position AND history_day > $after AND history_day <= $through
    UNION
    SELECT shipment_id FROM outcomes_log
        WHERE seq <= $position AND known_day > $after AND known_day <= $through),
versions AS (
    SELECT shipment_id, history_day, action, {_KEYS}, {VERSION_ORDER} AS version_order,
        CAST(version > 0 AS BIGINT) AS amendments,
        coalesce(CAST(round(value_usd * 100) AS BIGINT), 0) AS value_cents,
        coalesce(CAST(round(weight_kg * 1000) AS BIGINT), 0) AS weight_g
    FROM (SELECT *, {", ".join(HS_SQL)} FROM shipments_log)
    WHERE seq <= $position AND history_day <= $through AND shipment_id IN (FROM touched)),
-- What stood at the end of each day: one row per shipment and day on which that changed.
standing AS (
    SELECT *, row_number() OVER (PARTITION BY shipment_id ORDER BY history_day) AS n FROM (
        FROM versions QUALIFY version_order = max(version_order) OVER (PARTITION BY shipment_id ORDER BY history_day))),
shipment_facts AS (
    SELECT history_day AS day, 0 AS side, {_KEYS}, 1 AS shipments, value_cents, weight_g, amendments, 0 AS deletions,
        {_NO_EXAM}
    FROM standing WHERE action <> 'deleted'
    UNION ALL
    SELECT later.history_day, 1, {", ".join(f"overtaken.{key}" for key in KEY_COLUMNS)}, 1, overtaken.value_cents,
        overtaken.weight_g, overtaken.amendments, CAST(later.action = 'deleted' AS BIGINT), {_NO_EXAM}
    FROM standing later JOIN standing overtaken ON later.shipment_id = overtaken.shipment_id
        AND later.n = overtaken.n + 1
    WHERE overtaken.action <> 'deleted'),
findings AS (
    SELECT o.*, greatest(known_day, first_day) AS day
    FROM outcomes_log o JOIN (
        SELECT shipment_id, min(history_day) AS first_day FROM versions GROUP BY shipment_id) USING (shipment_id)
    WHERE seq <= $position AND known_day <= $through),
moments AS (
    SELECT shipment_id, day FROM findings
    UNION SELECT shipment_id, history_day FROM standing WHERE shipment_id IN (SELECT shipment_id FROM findings)),
latest_word AS (
    SELECT f.*, m.day AS moment FROM moments m JOIN findings f ON f.shipment_id = m.shipment_id AND f.day <= m.day
    QUALIFY row_number() OVER (
        PARTITION BY m.shipment_id, m.day, {", ".join(f"f.{key}" for key in OUTCOMES.key[1:])}
        ORDER BY known_at DESC, seq DESC, row_digest) = 1),
verdicts AS (
    SELECT shipment_id, moment,
        CAST(bool_or({_CONCLUDED}) AND NOT bool_or({_EXCLUDED}) AS BIGINT) AS exams,
        CAST(bool_or({_POSITIVE}) AS BIGINT) AS hits, CAST(bool_or(result = 'seized') AS BIGINT) AS seizures,
        coalesce(CAST(sum(CAST(round(amount_usd * 100) AS BIGINT)) FILTER ({_POSITIVE}) AS BIGINT), 0)
            AS recovered_cents
    FROM latest_word GROUP BY shipment_id, moment),
examined AS (
    SELECT moment AS day, {_KEYS}, v.shipment_id, exams * CAST(action <> 'deleted' AS BIGINT) AS exams, hits, seizures,
        recovered_cents, row_number() OVER (PARTITION BY v.shipment_id ORDER BY moment) AS n
    FROM verdicts v ASOF JOIN standing s ON v.shipment_id = s.shipment_id AND v.moment >= s.history_day),
exam_facts AS (
    SELECT day, 0 AS side, {_KEYS}, {_NO_SHIPMENT}, exams, hits, seizures, recovered_cents
    FROM examined WHERE exams > 0
    UNION ALL
    SELECT later.day, 1, {", ".join(f"before.{key}" for key in KEY_COLUMNS)}, {_NO_SHIPMENT}, before.exams,
        before.hits, before.seizures, before.recovered_cents
    FROM examined later JOIN examined before ON later.shipment_id = before.shipment_id AND later.n = before.n + 1
    WHERE before.exams > 0)
SELECT datediff('day', DATE '1970-01-01', day) AS day, side, {_KEYS}, {", ".join(MEASURES)}
FROM (FROM shipment_facts UNION ALL BY NAME FROM exam_facts) WHERE day > $after AND day <= $through ORDER BY day
"""

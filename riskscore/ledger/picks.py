"""What an arm of the design picked, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskscore.tables import OUTCOMES

if TYPE_CHECKING:
    from datetime import date

    import duckdb
    import pyarrow as pa

_PICKS = """
    SELECT shipment_id, risk_score FROM recommendations JOIN (
        SELECT run_id, run_date FROM runs WHERE seq <= $position AND run_date >= $since AND run_date < $as_of
        QUALIFY row_number() OVER (PARTITION BY run_date ORDER BY seq DESC) = 1) USING (run_id)
    WHERE arm = $arm
    QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY run_date DESC) = 1"""


def picks_of(
    connection: duckdb.DuckDBPyConnection, arm: str, since: date, as_of: date, position: int
) -> tuple[pa.Table, pa.Table]:
    """Shipments that `arm` picked on the days from `since` to before `as_of`, and their exams' results.

    Returns:
        shipment_id and risk_score of each pick in the latest run of its day, of one that was picked on two days (its
        arrival had moved) the later; and the outcomes columns, the latest word on each finding about them known before
        the morning of `as_of`.
    """
    asked = {"arm": arm, "since": since, "as_of": as_of, "position": position}
    picks = connection.sql(f"{_PICKS} ORDER BY shipment_id", params=asked).to_arrow_table()
    outcomes = f"""
        SELECT {", ".join(OUTCOMES.names)} FROM outcomes_log
        WHERE seq <= $position AND known_day < $as_of AND shipment_id IN (SELECT shipment_id FROM ({_PICKS}))
        QUALIFY row_number() OVER (
            PARTITION BY {", ".join(OUTCOMES.key)} ORDER BY known_at DESC, seq DESC, row_digest) = 1
        ORDER BY shipment_id, exam_date, exam_type, hazard"""
    return picks, connection.sql(outcomes, params=asked).to_arrow_table()

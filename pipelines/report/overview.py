"""The figures of the day as a whole: capacity, arms, hazards, what was refused, what was odd."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from riskscore import reference
from riskscore.pipelines.carry_over import LAPSES
from riskscore.tables import ARMS

if TYPE_CHECKING:
    import duckdb

    from riskscore.pipelines.report.morning import Morning

SELECTED = tuple(arm for arm in ARMS if arm != "none")

_MOST_REASONS = 12
"""Reasons of refusal listed at most, the commonest."""


def overview(morning: Morning, connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Figures by name; texts are as given, not yet made harmless.

    Returns:
        total: of the day, see `_total`; ports: one mapping per port with arrivals, by port, see `_ports`; arms, exams
        and centers: name, shipments to examine and the sum of their risk scores; hazards: name and the sum of its
        probabilities over the shipments to examine and over all (None = no model); counts, findings, rules, unmet,
        carried, waiting, drift and without_capacity: as recorded with the run (carried, waiting and drift are empty
        where an older version recorded it); lapsed: likewise, with the reason in words; refused: reason and rows
        quarantined by the run's command.
    """
    record = morning.run.record
    return {
        "total": _total(morning),
        "ports": _ports(morning),
        "arms": _grouped(morning.examine, "arm", SELECTED),
        "exams": _grouped(morning.examine, "exam_type", reference.exams()),
        "centers": _grouped(morning.examine, "center"),
        "hazards": _hazards(morning),
        "counts": record["counts"],
        "findings": record["findings"],
        "rules": record["rules"],
        "unmet": record["must_exam_unmet"],
        "carried": record.get("carried_over", []),
        "waiting": record.get("must_exam_waiting", []),
        "lapsed": [one | {"why": LAPSES[one["why"]]} for one in record.get("must_exam_lapsed", [])],
        "drift": record.get("drift") or {},
        "without_capacity": record["ports_without_capacity"],
        "refused": _refused(connection, morning.run.seq),
    }


def _total(morning: Morning) -> dict[str, Any]:
    """Shipments and sums of the day.

    arrivals, examine, released: shipments; finds: the sum of the risk scores of those to examine, of all as
    `risk_of_all`; harm_usd: the sum of their expected harm, None without severity; highest_released: the highest risk
    score among the released, None without one.
    """
    published, examine = morning.published, morning.examine
    released = published.filter(pc.equal(published["recommendation"], "release"))
    return {
        "arrivals": published.num_rows,
        "examine": examine.num_rows,
        "released": released.num_rows,
        "finds": _sum(examine["risk_score"]) or 0.0,
        "risk_of_all": _sum(published["risk_score"]) or 0.0,
        "harm_usd": _sum(examine["expected_harm_usd"]),
        "highest_released": pc.max(released["risk_score"]).as_py(),
    }


def _ports(morning: Morning) -> list[dict[str, Any]]:
    """Figures per port.

    arrivals; capacity (slots); used (today's exams); carried (exams held over from earlier days); shipments per arm;
    finds and highest_released as in `_total`.
    """
    slots = morning.run.record["slots"]
    carried = Counter(each["port"] for each in morning.run.record.get("carried_over", []))
    by_port = _table_by(morning.published, ["port", "arm"])
    made: dict[str, dict[str, Any]] = {}
    for row in by_port:
        port = made.setdefault(row["port"], _empty_port(row["port"], slots, carried))
        port["arrivals"] += row["shipments"]
        if row["arm"] == "none":
            port["highest_released"] = row["highest"]
        else:
            port[row["arm"]] += row["shipments"]
            port["used"] += row["shipments"]
            port["finds"] += row["risk"]
    return [made[port] for port in sorted(made)]


def _empty_port(port: str, slots: dict[str, Any], carried: Counter[str]) -> dict[str, Any]:
    counts = dict.fromkeys(("arrivals", "used", *SELECTED), 0)
    room = {"capacity": slots.get(port, {}).get("capacity"), "carried": carried[port]}
    return {"port": port, **room, **counts, "finds": 0.0, "highest_released": None}


def _grouped(table: pa.Table, column: str, order: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Shipments and risk by the values of a column, in `order`, or the most first; null is a group of its own."""
    rows = [{"name": r[column], "shipments": r["shipments"], "finds": r["risk"]} for r in _table_by(table, [column])]
    if order:
        return sorted(rows, key=lambda row: order.index(row["name"]))
    return sorted(rows, key=lambda row: (-row["shipments"], row["name"] or ""))


def _table_by(table: pa.Table, columns: list[str]) -> list[dict[str, Any]]:
    """Shipments, sum and maximum of the risk score by `columns`; rows in a fixed order, so sums are the same bits."""
    sums = [("risk_score", "count"), ("risk_score", "sum"), ("risk_score", "max")]
    found = table.group_by(columns, use_threads=False).aggregate(sums)
    names = {"risk_score_count": "shipments", "risk_score_sum": "risk", "risk_score_max": "highest"}
    rows: list[dict[str, Any]] = found.rename_columns(
        [names.get(name, name) for name in found.column_names]
    ).to_pylist()
    return rows


def _hazards(morning: Morning) -> list[dict[str, Any]]:
    def chances(table: pa.Table, hazard: str) -> float | None:
        return _sum(pc.struct_field(table["hazard_scores"], hazard))

    rows = [
        {"name": hazard, "finds": chances(morning.examine, hazard), "of_all": chances(morning.published, hazard)}
        for hazard in reference.hazards()
    ]
    return [row for row in rows if row["of_all"] is not None]


def _refused(connection: duckdb.DuckDBPyConnection, seq: int) -> list[dict[str, Any]]:
    query = """SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM quarantine WHERE seq = ?)
        GROUP BY reason ORDER BY count(*) DESC, reason LIMIT ?"""
    rows = connection.execute(query, [seq, _MOST_REASONS]).fetchall()
    return [{"reason": reason, "rows": count} for reason, count in rows]


def _sum(column: Any) -> float | None:  # noqa: ANN401 - pyarrow is shipped without types
    total: float | None = pc.sum(column).as_py()
    return total

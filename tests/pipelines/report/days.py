"""Scored days made directly: what a run records of them, without training a model for it."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskscore import reference
from riskscore.ledger import Run
from riskscore.publication import conform, encode, recommendations_path, write_bytes
from riskscore.tables import SHIPMENTS, recommendations_schema
from tests import factories
from tests.factories import DAY, HOSTILE, noon

if TYPE_CHECKING:
    from pathlib import Path

    from riskscore.workspace import Workspace

PORTS = ("0901", "1401", "1703", "2304", "2704", "2709", "4601", "4701")
CENTERS = ("AFT", "APP", "BM", "ELEC", "MACH", None)
CONCEPTS = ("valuation", "track record", "novelty", "route", "documentation", "network")
GOODS = ("610910", "640399", "850440", "940360")
ORIGINS = ("CN", "VN", "MX")
HIDDEN = "invoice\u202egnp.exe\u202c\u200b"
PWNED = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
CLOSING = "</script><script>window.pwned = 1</script><!--"
FORMULA = '=HYPERLINK("https://example.org","x")'
WORST = (PWNED, CLOSING, HIDDEN, FORMULA, "{{ 7 * 7 }}", "https://example.org/x", "x" * 10_000, *HOSTILE)


@dataclass(frozen=True)
class Day:
    """A workspace with one scored day, and what was put into it."""

    workspace: Workspace
    table: pa.Table
    live: list[dict[str, Any]]
    past: list[dict[str, Any]]
    results: list[dict[str, Any]]
    statuses: list[dict[str, Any]]
    events: list[dict[str, Any]]


def make(root: Path, arrivals: int = 240, examine: int = 90, *, hostile: bool = False, seed: int = 1) -> Day:
    """A day of `arrivals` shipments, `examine` of them to be examined, with a past of twice as many.

    Day.past and Day.results are what stands; the ledger also holds what was amended or withdrawn.
    """
    dice = random.Random(seed)  # noqa: S311 - reproducible rows, not secrets
    live = factories.shipments(*[_shipment(dice, n, hostile) for n in range(arrivals)], seed=seed)
    past = [_past(dice, n, live) for n in range(2 * arrivals)]
    past = factories.shipments(*past, seed=seed + 1)
    results = factories.outcomes(*[_result(dice, row) for row in past if dice.random() < 0.3], seed=seed)
    events = factories.post_entry(*[_event(dice, row) for row in past if dice.random() < 0.2], seed=seed)
    importers = sorted({row["importer_id"] for row in live if row["importer_id"]})
    statuses = factories.traders(*[_status(dice, each) for each in importers], seed=seed)
    workspace = factories.make_workspace(root)
    before, void = _overtaken(past)
    facts = {"outcomes": [*results, *void], "traders": statuses, "post_entry": events}
    with workspace.ledger() as ledger:
        factories.append_rows(workspace, ledger, shipments=[*past, *before, *live], **facts)
        table = _recommended(dice, live, examine, hostile)
        record(ledger, table)
    write_bytes(encode(table), recommendations_path(workspace.out, DAY))
    return Day(workspace, table, live, past, results, statuses, events)


def record(ledger: Any, table: pa.Table) -> None:
    """Keep `table` as the run of DAY."""
    with ledger.transaction("score") as transaction:
        run_id = table["run_id"][0].as_py()
        made = _record(table, transaction.seq)
        transaction.record_run(Run(transaction.seq, DAY, run_id, transaction.seq, made["parquet_sha256"], made), table)
        transaction.connection.execute(
            "INSERT INTO quarantine VALUES (?, 'shipments', 'a.csv', 3, ['mode: ''rocket''', ?], '{}')",
            [transaction.seq, f"port: {PWNED}"],
        )


def _shipment(dice: random.Random, number: int, hostile: bool) -> dict[str, Any]:
    party = f"IMP{dice.randrange(60):03d}"
    row: dict[str, Any] = {
        "shipment_id": f"S{number:06d}", "port": dice.choice(PORTS), "mode": "ocean", "importer_id": party,
        "importer_name": f"IMPORTER {party}",
        "hts": f"{dice.choice(GOODS)}0012", "origin_country": dice.choice(ORIGINS),
        "value_usd": round(dice.uniform(500, 90_000), 2), "weight_kg": round(dice.uniform(100, 9_000), 1),
    }  # fmt: skip
    if hostile:
        texts = [c.name for c in SHIPMENTS.columns if c.type == "text" and c.name not in {"mode", "action", "hts"}]
        row |= {name: _bad(dice, SHIPMENTS[name].max_length) for name in texts}
        row["shipment_id"] = f"{dice.choice(WORST)[:150]} {number}"
        row["port"] = dice.choice((*PORTS, PWNED, FORMULA, HIDDEN))
    return row


def _bad(dice: random.Random, longest: int) -> str:
    return dice.choice(WORST)[:longest]


def _past(dice: random.Random, number: int, live: list[dict[str, Any]]) -> dict[str, Any]:
    like = dice.choice(live)
    arrived = DAY - timedelta(dice.randrange(1, 900))
    return {
        "version": number % 5 // 4, "action": ("new", "amended")[number % 5 // 4],
        "shipment_id": f"P{number}", "arrival_date": arrived, "port": like["port"], "mode": "ocean",
        "importer_id": like["importer_id"], "hts": like["hts"], "origin_country": like["origin_country"],
        "value_usd": round(dice.uniform(500, 90_000), 2), "weight_kg": round(dice.uniform(100, 9_000), 1),
    }  # fmt: skip


def _overtaken(past: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What stood before a later word: first versions of some of `past`, and shipments that were withdrawn, examined."""
    first = [{**row, "value_usd": 50 * row["value_usd"], "importer_id": "IMP000"} for row in past if row["version"]]
    first = [{**row, "version": 0, "action": "new"} for row in first]
    withdrawn = [{**row, "shipment_id": f"W{row['shipment_id']}", "version": 0, "action": "new"} for row in past[::9]]
    results = [{"shipment_id": row["shipment_id"], "exam_date": row["arrival_date"]} for row in withdrawn]
    results = factories.outcomes(*[{**row, "result": "seized", "hazard": "ipr"} for row in results])
    return [*first, *withdrawn, *({**row, "version": 1, "action": "deleted"} for row in withdrawn)], results


def _result(dice: random.Random, row: dict[str, Any]) -> dict[str, Any]:
    found = dice.random() < 0.3
    # Some become known on the morning's own day or later: they must not be seen.
    known = noon(row["arrival_date"], dice.choice((0, 3, 40, 1000)))
    return {
        "shipment_id": row["shipment_id"], "exam_date": row["arrival_date"], "known_at": known,
        "result": "seized" if found else "released_no_discrepancy", "hazard": "ipr" if found else None,
        "amount_usd": round(dice.uniform(100, 9_000), 2) if found else None,
    }  # fmt: skip


def _event(dice: random.Random, row: dict[str, Any]) -> dict[str, Any]:
    happened = row["arrival_date"] + timedelta(dice.randrange(1, 60))
    return {"shipment_id": row["shipment_id"], "event_date": happened, "status": dice.choice(("open", "withdrawn"))}


def _status(dice: random.Random, trader: str) -> dict[str, Any]:
    return {"trader_id": trader, "ctpat_tier": dice.randrange(4), "ctpat_status": "certified",
            "valid_from": DAY - timedelta(dice.randrange(-5, 700))}  # fmt: skip


def _recommended(dice: random.Random, live: list[dict[str, Any]], examine: int, hostile: bool) -> pa.Table:
    rows, used = [], dict.fromkeys({row["port"] for row in live}, 0)
    for place, row in enumerate(live):
        used[row["port"]] += 1
        arm = (
            dice.choices(("must_exam", "risk", "random_floor", "novelty"), (1, 8, 2, 1))[0]
            if place < examine
            else "none"
        )
        rows.append(_recommendation(dice, row, arm, used[row["port"]], hostile))
    schema = recommendations_schema()
    columns = [pa.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names]
    return conform(pa.Table.from_arrays(columns, schema=schema))


def _recommendation(dice: random.Random, row: dict[str, Any], arm: str, priority: int, hostile: bool) -> dict[str, Any]:
    exam = None if arm == "none" else dice.choice(reference.exams())
    risk = 1.0 if arm == "must_exam" else dice.random() ** 4
    chance = 1.0 if arm == "must_exam" else dice.uniform(0.05, 0.95)
    return {
        "run_id": "5" * 64, "shipment_id": row["shipment_id"], "version": 0, "port": row["port"],
        "center": WORST[priority % len(WORST)][:200] if hostile else dice.choice(CENTERS),
        "recommendation": "release" if arm == "none" else "examine", "exam_type": exam, "arm": arm,
        "rule_id": "no-seal" if arm == "must_exam" else None, "inclusion_probability": chance,
        "exam_probabilities": {name: chance * (name == (exam or "nii")) for name in reference.exams()},
        "risk_score": risk, "expected_harm_usd": risk * dice.uniform(1_000, 40_000),
        "hazard_scores": {name: risk * dice.random() for name in reference.learned_hazards()},
        "programme_credit": dice.choice((None, 0.05)), "priority": priority,
        "stratum": dice.choice(("trusted, known", "other, new")), "reasons": _reasons(dice, arm, hostile),
        "model_version": "7", "feature_hash": "f" * 64, "ledger_seq": 2, "scored_at": noon(DAY) - timedelta(hours=12),
    }  # fmt: skip


def _reasons(dice: random.Random, arm: str, hostile: bool) -> list[dict[str, Any]]:
    if hostile:
        bad = {"concept": dice.choice(WORST), "direction": "raises", "contribution": None, "text": dice.choice(WORST)}
        return [bad, {**bad, "contribution": 0.4}]
    if arm != "risk":
        text = {"must_exam": "rule no-seal: high-value box without a seal"}.get(arm, "drawn at random (chance 0.08)")
        return [{"concept": arm, "direction": "none", "contribution": None, "text": text}]
    texts = ("first shipment from this shipper", "importer changed filer 3 days ago",
             "4.1 USD/kg where peers run 11 to 19", "lading port in another country than the origin",
             "CTPAT tier 2 since 2019")  # fmt: skip
    made = []
    for text in texts[: dice.randrange(2, 6)]:
        weight = dice.uniform(-0.6, 1.4)
        made.append({"concept": dice.choice(CONCEPTS), "direction": "raises" if weight > 0 else "lowers",
                     "contribution": weight, "text": text})  # fmt: skip
    return sorted(made, key=lambda reason: -abs(reason["contribution"]))


def _record(table: pa.Table, position: int) -> dict[str, Any]:
    content = encode(table)
    ports = table["port"].to_pylist()
    examined = [p for p, r in zip(ports, table["recommendation"].to_pylist(), strict=True) if r == "examine"]
    slots = {
        p: {"arrivals": ports.count(p), "capacity": examined.count(p) + 1, "used": examined.count(p)} for p in ports
    }
    first = table.slice(0, 1).to_pylist()[0]
    name = {"shipment_id": first["shipment_id"], "rule_id": "no-seal", "exam": "nii"}
    unmet = {**name, "port": first["port"], "given": None, "why": "no slot left"}
    held = [{**name, "port": port, "since": "2026-03-01"} for port in ports[:3]]
    counts = {"scored": len(table), "quarantined": 1, "superseded": 4, "deleted": 2, "duplicate": 1, "deferred": 11}
    return {
        "run_id": first["run_id"], "cutoff": f"{DAY.isoformat()}T00:00:00+00:00", "ledger_position": position,
        "model": {"version": "7"}, "counts": {"read": sum(counts.values()), **counts},
        "findings": {"hts": 12, "foreign_port": 5}, "slots": slots, "ports_without_capacity": [],
        "must_exam_unmet": [unmet], "carried_over": held,
        "must_exam_waiting": [{**one, "until": "2026-03-03"} for one in held[:2]],
        "must_exam_lapsed": [{**one, "why": "no_slot"} for one in held[2:]],
        "drift": {"exams": 40, "found": 4, "expected": 1.25, "drifted": True},
        "rules": [{"rule_id": "no-seal", "matches": 9, "flag": None}],
        "parquet_sha256": hashlib.sha256(content).hexdigest(), "parquet_bytes": len(content),
    }  # fmt: skip

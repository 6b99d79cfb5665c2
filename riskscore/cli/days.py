"""How scored days are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from riskscore.cli.terminal import console, table
from riskscore.publication import recommendations_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from riskscore.pipelines.score_day import DayResult
    from riskscore.workspace import Workspace

_COUNTS = ("read", "scored", "quarantined", "superseded", "deleted", "duplicate", "deferred")
# Enough to recognise the morning; the whole list is in the Parquet file.
_SHOWN_EXAMS = 5
_SHOWN_UNMET = 3


def print_days(workspace: Workspace, results: Sequence[DayResult]) -> None:
    """Print the account of each day's rows, its warnings, the first exams of a single day, and where to look."""
    columns = ("date", *_COUNTS, "live", "examine", "run")
    console().print(table(columns, [_row(result) for result in results]))
    for result in results:
        _print_warnings(result)
    _print_refused(workspace, results)
    if len(results) == 1:
        _print_exams(results[0])
        print(f"recommendations: {recommendations_path(workspace.out, results[0].run.run_date)}")
    else:
        print(f"recommendations: {workspace.out / 'recommendations'}")


def _row(result: DayResult) -> list[object]:
    counts = [getattr(result.counts, name) for name in _COUNTS]
    examine = pc.sum(pc.equal(result.recommendations["recommendation"], "examine")).as_py()
    how = f"{result.run.run_id[:12]}{' (as before)' if result.replayed else ''}"
    return [result.run.run_date.isoformat(), *counts, result.recommendations.num_rows, examine, how]


def _print_refused(workspace: Workspace, results: Sequence[DayResult]) -> None:
    """One line for all days: nearly every file has a few such rows."""
    refused = [result.counts.quarantined for result in results if result.counts.quarantined]
    if refused:
        days = f"{len(refused)} day{'s' if len(refused) > 1 else ''}"
        print(f"{sum(refused):,} refused rows of {days}, with their reasons: {workspace.out / 'quarantine'}")


def _print_warnings(result: DayResult) -> None:
    day, record = result.run.run_date.isoformat(), result.run.record
    if result.replayed:
        version = record["model"]["version"]
        print(f"{day}: as scored before, with model {version}; --refresh uses the model, settings and facts of now")
    _print_models(day, record)
    if result.replayed and result.counts.deferred:
        print(f"WARNING {day}: {result.counts.deferred:,} new rows are kept but not scored; use --refresh")
    if record["ports_without_capacity"]:
        print(f"{day}: no exam capacity at port {', '.join(record['ports_without_capacity'])}; outside all estimates")
    _print_must_exams(day, record)
    standing = [rule for rule in record["rules"] if rule["flag"] != "not in force"]
    for rule in record["rules"]:
        # Another version in force says all there is to say.
        if rule["flag"] and (rule in standing or all(rule["rule_id"] != other["rule_id"] for other in standing)):
            print(f"{day}: rule {rule['rule_id']} {rule['flag']}")


def _print_must_exams(day: str, record: dict[str, Any]) -> None:
    unmet = [(one["rule_id"], one["shipment_id"]) for one in record["must_exam_unmet"]]
    _print_by_rule(f"WARNING {day}", unmet, "unmet")
    for one in record.get("carried_over", ()):
        print(f"{day}: {one['exam']} exam of {one['shipment_id']} at port {one['port']}, waiting since {one['since']}")
    for since in sorted({one["since"] for one in record.get("must_exam_waiting", ())}):
        waiting = [one for one in record["must_exam_waiting"] if one["since"] == since]
        named = [(one["rule_id"], one["shipment_id"]) for one in waiting]
        last = ", today the last day" if waiting[0]["until"] == day else ""
        _print_by_rule(f"WARNING {day}", named, f"still waiting for a slot since {since}{last}")
    _print_lapsed(day, record.get("must_exam_lapsed", ()))
    if record.get("drift", {}).get("drifted"):
        drift = record["drift"]
        print(f"{day}: random exams found {drift['found']} where {drift['expected']:.1f} were foretold; larger floor")


def _print_lapsed(day: str, lapsed: Sequence[dict[str, Any]]) -> None:
    from riskscore.pipelines.carry_over import LAPSES

    for why, words in LAPSES.items():
        named = [(one["rule_id"], one["shipment_id"]) for one in lapsed if one["why"] == why]
        _print_by_rule(f"WARNING {day}" if why == "no_slot" else day, named, f"held no more, {words}")


def _print_by_rule(begin: str, shipments: Sequence[tuple[str, str]], what: str) -> None:
    """One line for each rule: how many of its shipments, and the first of them."""
    for rule in dict.fromkeys(rule for rule, _ in shipments):
        names = [name for other, name in shipments if other == rule]
        named = f"{', '.join(names[:_SHOWN_UNMET])}{', ...' if len(names) > _SHOWN_UNMET else ''}"
        print(f"{begin}: must-exam {rule}, {len(names)} {what}: {named}")


def _print_models(day: str, record: dict[str, Any]) -> None:
    version, registry = record["model"]["version"], record["model"].get("registry", "ok")
    if registry != "ok":
        print(f"WARNING {day}: scored with the verified local copy of model {version}; registry {registry}")
    if fault := record.get("trial_not_held"):
        print(f"WARNING {day}: no trial was held: {fault}")
    if trial := record.get("trial"):
        pairs, rival = len(trial["disputed"]), trial["version"]
        print(f"{day}: {pairs:,} slots given by toss to model {version} or {rival}; see riskscore trial")


def _print_exams(result: DayResult) -> None:
    chosen = result.recommendations.filter(pc.equal(result.recommendations["recommendation"], "examine"))
    first = chosen.sort_by([("risk_score", "descending"), ("shipment_id", "ascending")]).slice(0, _SHOWN_EXAMS)
    rows = [
        [row["port"], row["priority"], row["shipment_id"], row["exam_type"], f"{row['risk_score']:.3f}",
         row["reasons"][0]["text"]]
        for row in first.to_pylist()
    ]  # fmt: skip
    title = f"first {len(rows)} of {chosen.num_rows:,} exams, by risk; {_expected(result.run.record)}"
    console().print(table(("port", "priority", "shipment", "exam", "risk", "why"), rows, title=title))


def _expected(record: dict[str, Any]) -> str:
    """Both objectives, whichever was chosen."""
    harm = record["expected"]["harm_usd"]
    found = f"{record['expected']['finds']:.1f} expected to find something"
    return found if harm is None else f"{found}, {harm:,.0f} USD of harm"

"""Must-exams without a slot, as the run records tell of them."""

from __future__ import annotations


def waits_of(runs: str) -> str:
    """SQL of a table: the must-exams that each run left waiting, or held after they had waited.

    Columns: run_id, run_date and seq of the run; shipment_id, port, rule_id, exam (that the rule orders), since (day of
    the run that could not give it) and state: `waiting`, or `held` on the run's day. What a run let lapse is not in it.

    Args:
        runs: name of a relation with the columns of the table `runs`.
    """
    told = {"must_exam_unmet": "waiting", "must_exam_waiting": "waiting", "carried_over": "held"}
    parts = [
        f"SELECT run_id, run_date, seq, '{state}' AS state, unnest(CAST(record::JSON->'$.{key}' AS JSON[])) AS one "
        f"FROM {runs}"
        for key, state in told.items()
    ]
    # A must-exam that was given another exam does not wait; only what waited before names its day.
    return f"""(
        SELECT run_id, run_date, seq, one->>'shipment_id' AS shipment_id, one->>'port' AS port,
            one->>'rule_id' AS rule_id, one->>'exam' AS exam, coalesce(CAST(one->>'since' AS DATE), run_date) AS since,
            state
        FROM ({" UNION ALL ".join(parts)}) WHERE one->>'given' IS NULL)"""

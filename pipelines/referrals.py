"""What became of every recommended exam: open, or closed by evidence, never by the passing of time.

OIG-10-34 found high-risk shipments released without the papers to say why, OIG-20-34 found referrals that nobody had
resolved, and GAO-15-294 found deleted bills and shipments scored after their release among them. So a referral is
closed by an outcome of an exam, by a waiver with its code, or by an override that releases; that an analyst agrees with
it leaves it open, and so does age.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskscore import reference
from riskscore.frames import as_frame
from riskscore.ledger.schema import VERSION_ORDER, hash_of, rows_of
from riskscore.ledger.waits import waits_of
from riskscore.reference.reviews import review_codes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import pandas as pd

    from riskscore.ledger import Ledger

STATUSES = ("open", "examined", "waived", "overridden", "deleted", "released_before")
LEFT_OUT = ("deleted", "released_before")
"""Referrals that no figure of performance may count (GAO-15-294)."""


def referrals(ledger: Ledger, through: date, position: int) -> pd.DataFrame:
    """Every shipment recommended for examination in the latest run of each day up to `through`, and what became of it.

    A must-exam that no slot was left for is among them, on the day that ordered it: it waits, is held on a later day or
    lapses, and stays open until there is evidence or a decision, which may be about any day on which it waited.

    Known is what was known on the morning after `through`; what comes later changes nothing in it.

    Args:
        ledger: open ledger.
        through: the last day, inclusive.
        position: ledger position; later commands, runs among them, are not seen.

    Returns:
        One row per run day and shipment, sorted by them, with a RangeIndex. run_date (datetime64), shipment_id, port,
        exam_type (recommended), arm and

        - status: the first of these that holds. `deleted`: the bill is deleted, or an outcome says so or that the cargo
          never arrived. `released_before`: an outcome says that it was scored after release; or an exam concluded on a
          day before the run; or the bill now says that it arrived on one (the data name no time of release).
          `examined`: an outcome of a stated exam on or after the run's day, be it found, cleared or detained. `waived`,
          `overridden`: the latest review of that recommendation waives it, or releases without a waiver.
          An outcome that is a waiver, with its code and, for an articulable reason, its text, is such a word too: of
          reviews and waivers the latest counts. `open`: none of these, whatever was agreed;
        - days_open (int64): days from the run's day to `through`, or to the day that closed it;
        - waiver_code, waiver_text: of the waiver that closed it; null otherwise;
        - reviewed_by, decision, code, text: of the latest review; null without one.
    """
    params = {"position": position, "through": through}
    found = ledger.connection.sql(_QUERY, params=params).to_arrow_table()
    return as_frame(found)


def _in(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _with_effect(effect: str) -> str:
    return _in("code", (each.code for each in review_codes() if each.effect == effect))


_CONCLUDED = _in("result", (*reference.CLEAR, *reference.POSITIVE))
_EXAMINED = _in("result", (*reference.CLEAR, *reference.POSITIVE, *reference.PENDING))
_WAIVED = """(result = 'waived_standard_exception' OR result = 'waived_articulable_reason' AND waiver_text <> '')
    AND waiver_code <> ''"""

_REFERRED = f"""
    latest_runs AS (
        SELECT * FROM runs WHERE seq <= $position AND run_date <= $through
        QUALIFY row_number() OVER (PARTITION BY run_date ORDER BY seq DESC) = 1),
    waits AS MATERIALIZED (SELECT * FROM {waits_of("latest_runs")}),
    referred AS MATERIALIZED (
        SELECT run_date, shipment_id, port, exam_type, arm FROM (
            SELECT run_date, shipment_id, port, exam_type, arm, NULL AS told FROM recommendations
            JOIN latest_runs USING (run_id) WHERE recommendation = 'examine'
            -- A must-exam without a slot is a referral of the day that ordered it, whatever its wait comes to.
            UNION ALL SELECT since, shipment_id, port, exam, 'must_exam', run_date FROM waits)
        QUALIFY row_number() OVER (PARTITION BY run_date, shipment_id ORDER BY told DESC NULLS LAST) = 1)"""

# The bill as it reads on the morning after $through.
_BILLS = f"""
    wanted AS MATERIALIZED (SELECT DISTINCT shipment_id, {hash_of("shipment_id")} AS shipment_hash FROM referred),
    bills AS (
        SELECT shipment_id, arrival_date, action, coalesce(filed_day, arrival_date) AS filed FROM {rows_of("wanted")}
        WHERE seq <= $position AND (filed_day <= $through OR (filed_day IS NULL AND arrival_date <= $through + 1))
        QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY {VERSION_ORDER} DESC) = 1)"""

_OUTCOMES = f"""
    words AS (
        SELECT * FROM outcomes_log
        WHERE seq <= $position AND known_day <= $through AND shipment_id IN (SELECT shipment_id FROM referred)
        QUALIFY row_number() OVER (
            PARTITION BY shipment_id, exam_type, exam_date, hazard ORDER BY known_at DESC, seq DESC, row_digest) = 1),
    found AS (
        SELECT run_date, shipment_id,
            min(known_day) FILTER ({_in("result", ("cargo_never_arrived", "bill_deleted"))}) AS gone,
            bool_or(result = 'scored_after_release' OR ({_CONCLUDED} AND exam_date < run_date)) AS too_late,
            min(known_day) FILTER ({_EXAMINED} AND words.exam_type IS NOT NULL AND exam_date >= run_date) AS examined,
            max_by(struct_pack(code := waiver_code, text := waiver_text, day := known_day, at := known_at),
                (known_at, seq, row_digest)) FILTER ({_WAIVED} AND exam_date >= run_date) AS waiver
        FROM referred JOIN words USING (shipment_id) GROUP BY run_date, shipment_id)"""

# A decision about a day on which a must-exam waited, or was held after its wait, is one about the day that ordered it.
_REVIEWS = """
    reviewed AS (
        SELECT v.* REPLACE (coalesce(since, v.run_date) AS run_date) FROM reviews_log v
        LEFT JOIN (SELECT DISTINCT shipment_id, run_date, since FROM waits) USING (shipment_id, run_date)
        WHERE seq <= $position AND known_day <= $through
        QUALIFY row_number() OVER (
            PARTITION BY shipment_id, coalesce(since, v.run_date) ORDER BY known_at DESC, seq DESC, row_digest) = 1)"""

_QUERY = f"""
    WITH {_REFERRED}, {_BILLS}, {_OUTCOMES}, {_REVIEWS},
    judged AS (
        SELECT r.*, gone, examined, code, v.text, decision, decided_by, v.known_day AS decided, filed,
            if(waiver.at <= v.known_at, NULL, waiver) AS waiver, CASE
            WHEN action = 'deleted' OR gone IS NOT NULL THEN 'deleted'
            WHEN too_late OR arrival_date < run_date THEN 'released_before'
            WHEN examined IS NOT NULL THEN 'examined'
            WHEN waiver.at > v.known_at OR (waiver.at IS NOT NULL AND v.known_at IS NULL) THEN 'waived'
            WHEN {_with_effect("waived")} THEN 'waived'
            WHEN {_with_effect("release")} THEN 'overridden'
            ELSE 'open' END AS status
        FROM referred r LEFT JOIN bills USING (shipment_id) LEFT JOIN found USING (run_date, shipment_id)
        LEFT JOIN reviewed v USING (run_date, shipment_id)),
    closed AS (
        SELECT *, status = 'waived' AND waiver IS NULL AS by_review,
            CASE status WHEN 'deleted' THEN coalesce(gone, filed) WHEN 'released_before' THEN run_date
                WHEN 'examined' THEN examined WHEN 'overridden' THEN decided WHEN 'open' THEN $through
                ELSE if(by_review, decided, waiver.day) END AS until
        FROM judged)
    SELECT run_date, shipment_id, port, exam_type, arm, status,
        CAST(greatest(until - run_date, 0) AS BIGINT) AS days_open,
        CASE WHEN by_review THEN code WHEN status = 'waived' THEN waiver.code END AS waiver_code,
        CASE WHEN by_review THEN text WHEN status = 'waived' THEN waiver.text END AS waiver_text,
        decided_by AS reviewed_by, decision, code, text
    FROM closed ORDER BY run_date, shipment_id"""

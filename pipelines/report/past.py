"""The past of a day's shipments as it was known that morning: their traders' records and their peers' prices.

Only filings and results known before the morning's cut-off count, of each the latest word known then (see
riskscore.ledger.views), over the two years before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskscore import reference
from riskscore.ledger.schema import VERSION_ORDER, rows_of
from riskscore.tables import OUTCOMES, TRADERS

if TYPE_CHECKING:
    from datetime import date

    import duckdb
    import pandas as pd

DAYS = 730
"""How far back a trader's timeline goes."""

PEER_DAYS = 365
"""How far back peers' prices go: prices move."""

ROLES = ("importer", "consignee", "shipper")
"""Whose timeline a shipment shows: the first of these that is stated."""

LEAST_PEERS = 5
"""With fewer shipments of the same HTS6 and origin, those of the same HTS4 are shown."""

MOST_PRICES = 80
"""Prices drawn of a group at most; of more, as many evenly by rank, which keeps the shape of the whole."""

MOST_EXAMS = 80
"""Exams listed of a trader at most, the newest; its totals count all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose past is wanted.

    Attributes:
        traders: (role, trader_id) pairs, role one of ROLES.
        goods: (HTS prefix of 4 or 6 digits, origin country) pairs.
    """

    traders: tuple[tuple[str, str], ...]
    goods: tuple[tuple[str, str], ...]

    @staticmethod
    def by(shipments: pd.DataFrame) -> Asked:
        """What the shipments columns of a day ask for."""
        traders = {key for key in map(trader_of, shipments.to_dict("records")) if key}
        goods = {key for row in shipments.to_dict("records") for key in goods_of(row)}
        return Asked(tuple(sorted(traders)), tuple(sorted(goods)))


def trader_of(row: dict[Any, Any]) -> tuple[str, str] | None:
    """Role and id of the trader whose timeline a shipment shows; None when none is stated.

    >>> trader_of({"importer_id": None, "consignee_id": "C1", "shipper_id": "S1"})
    ('consignee', 'C1')
    """
    return next(((role, row[f"{role}_id"]) for role in ROLES if isinstance(row[f"{role}_id"], str)), None)


def goods_of(row: dict[Any, Any]) -> tuple[tuple[str, str], ...]:
    """The groups of goods a shipment may be compared in, the closest first; empty without tariff number or origin.

    >>> goods_of({"hts": "6109100012", "origin_country": "VN"})
    (('610910', 'VN'), ('6109', 'VN'))
    """
    hts, origin = row["hts"], row["origin_country"]
    if not (isinstance(hts, str) and isinstance(origin, str)):
        return ()
    return tuple((hts[:digits], origin) for digits in (6, 4) if len(hts) >= digits)


@dataclass(frozen=True, slots=True)
class Past:
    """The past of what was asked for.

    Attributes:
        asked: what was asked for.
        since: first day looked at.
        filings: past arrivals by role, trader_id and month (its first day): shipments.
        exams: past exams of the traders' shipments by role and trader_id, the newest first: shipment_id, exam_date,
            result (hit | pending | clear), exams and hazards (comma-separated, sorted; null = none named), amount_usd
            (sum over its hits; null = not recorded). Waived is not examined.
        statuses: programme records that had begun, the traders columns, by trader_id and valid_from.
        prices: USD per kilogram of past shipments by prefix and origin: n, quantiles (10, 25, 50, 75 and 90 %) and
            prices in rising order, see MOST_PRICES.
    """

    asked: Asked
    since: date
    filings: pd.DataFrame
    exams: pd.DataFrame
    statuses: pd.DataFrame
    prices: pd.DataFrame


def read_past(connection: duckdb.DuckDBPyConnection, day: date, position: int, asked: Asked) -> Past:
    """The past of what is `asked` for, as known on the morning of `day` at a ledger position."""
    since = day - timedelta(DAYS)
    connection.register("asked_traders", _table(asked.traders, "role", "trader_id"))
    connection.register("asked_goods", _table(asked.goods, "prefix", "origin"))
    try:
        connection.execute(_GATHER, {"day": day, "position": position, "since": since})
        answers = [connection.execute(query, _named(query, day, position)).df() for query in _QUERIES]
    finally:
        connection.execute("DROP TABLE IF EXISTS past_filings")
        for name in ("asked_traders", "asked_goods"):
            connection.unregister(name)
    return Past(asked, since, *answers)


def _named(query: str, day: date, position: int) -> dict[str, Any]:
    given = {"day": day, "position": position, "peers_since": day - timedelta(PEER_DAYS)}
    return {name: value for name, value in given.items() if f"${name}" in query}


def _table(pairs: tuple[tuple[str, str], ...], *names: str) -> pa.Table:
    columns = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})


def _texts(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_IDS = ", ".join(f"{role}_id" for role in ROLES)

# Shipments that any version names are candidates; what counts of them is their latest version known that morning.
_GATHER = f"""
    CREATE OR REPLACE TEMP TABLE past_filings AS
    WITH touched AS MATERIALIZED (
        SELECT DISTINCT shipment_id, shipment_hash FROM shipments_log
        WHERE seq <= $position AND arrival_date >= $since AND arrival_date < $day AND (
            {" OR ".join(f"{role}_id IN (SELECT trader_id FROM asked_traders WHERE role = '{role}')" for role in ROLES)}
            OR (left(hts, 4) IN (SELECT left(prefix, 4) FROM asked_goods)
                AND origin_country IN (SELECT origin FROM asked_goods)))),
    standing AS (
        SELECT * FROM {rows_of("touched")}
        WHERE seq <= $position AND (filed_day < $day OR (filed_day IS NULL AND arrival_date <= $day))
        QUALIFY {VERSION_ORDER} = max({VERSION_ORDER}) OVER (PARTITION BY shipment_id))
    SELECT shipment_id, arrival_date, {_IDS}, hts, origin_country, value_usd, weight_kg FROM standing
    WHERE action <> 'deleted' AND arrival_date >= $since AND arrival_date < $day"""

_OF_TRADERS = f"""(
    SELECT a.role, a.trader_id, p.shipment_id, p.arrival_date FROM asked_traders a JOIN past_filings p
    ON a.trader_id = CASE a.role {" ".join(f"WHEN '{role}' THEN p.{role}_id" for role in ROLES)} END)"""

_FILINGS = f"""
    SELECT role, trader_id, date_trunc('month', arrival_date)::DATE AS month, count(*) AS shipments
    FROM {_OF_TRADERS} GROUP BY ALL ORDER BY ALL"""

_HIT = f"result IN ({_texts(reference.POSITIVE)})"
_EXAMS = f"""
    WITH words AS (
        SELECT * FROM outcomes_log
        WHERE seq <= $position AND known_day < $day AND shipment_id IN (SELECT shipment_id FROM past_filings)
        QUALIFY row_number() OVER (
            PARTITION BY {", ".join(OUTCOMES.key)} ORDER BY known_at DESC, seq DESC, row_digest) = 1),
    held AS (
        SELECT shipment_id, exam_date,
            CASE WHEN bool_or({_HIT}) THEN 'hit'
                WHEN bool_or(result IN ({_texts(reference.PENDING)})) THEN 'pending' ELSE 'clear' END AS result,
            string_agg(DISTINCT exam_type, ', ' ORDER BY exam_type) AS exams,
            string_agg(DISTINCT hazard, ', ' ORDER BY hazard) FILTER ({_HIT}) AS hazards,
            sum(round(amount_usd * 100)::HUGEINT) FILTER ({_HIT}) / 100 AS amount_usd
        FROM words WHERE result IN ({_texts(reference.CLEAR + reference.POSITIVE + reference.PENDING)})
        GROUP BY ALL)
    SELECT role, trader_id, held.* FROM {_OF_TRADERS} JOIN held USING (shipment_id)
    ORDER BY role, trader_id, exam_date DESC, shipment_id"""

_STATUSES = f"""
    SELECT {", ".join(TRADERS.names)} FROM traders_log
    WHERE seq <= $position AND known_day < $day AND valid_from <= $day
        AND trader_id IN (SELECT trader_id FROM asked_traders)
    QUALIFY row_number() OVER (
        PARTITION BY trader_id, valid_from ORDER BY known_at DESC, seq DESC, row_digest) = 1
    ORDER BY trader_id, valid_from"""

_PRICES = f"""
    WITH priced AS (
        SELECT a.prefix, a.origin, value_usd / weight_kg AS price FROM past_filings
        JOIN asked_goods a ON a.origin = origin_country AND a.prefix = left(hts, length(a.prefix))
        WHERE arrival_date >= $peers_since AND value_usd > 0 AND weight_kg > 0),
    ranked AS (
        SELECT *, row_number() OVER (PARTITION BY prefix, origin ORDER BY price) - 1 AS place,
            least(count(*) OVER (PARTITION BY prefix, origin), {MOST_PRICES}) AS kept,
            count(*) OVER (PARTITION BY prefix, origin) AS n
        FROM priced)
    SELECT prefix, origin, count(*) AS n, quantile_cont(price, [0.1, 0.25, 0.5, 0.75, 0.9]) AS quantiles,
        list(price ORDER BY place) FILTER (place * kept // n <> (place - 1) * kept // n OR place = 0) AS prices
    FROM ranked GROUP BY prefix, origin HAVING count(*) >= {LEAST_PEERS} ORDER BY prefix, origin"""

_QUERIES = (_FILINGS, _EXAMS, _STATUSES, _PRICES)

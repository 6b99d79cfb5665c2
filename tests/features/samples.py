"""Shipments with a past for the tests of the builders: drawn by chance, awkward, hostile, and empty."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from riskscore import reference
from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.pipelines.past import Past
from riskscore.tables import MAX_CODE_LENGTH, SHIPMENTS
from tests import factories
from tests.factories import DAY, HOSTILE, append_rows, noon, opened
from tests.history.oracle import Oracle

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from riskscore.history import History
    from tests.factories import Row

Sample = tuple["pd.DataFrame", "History"]

SAMPLED = (date(2019, 11, 4), date(2023, 6, 5), date(2025, 5, 2), DAY)
"""Days on both sides of the dates that programmes, thresholds and lists changed on."""
PAST_DAYS = 60

_PLACES = ("12 Harbor Rd, Long Beach CA 90802", "12 HARBOR ROAD LONG BEACH CA 90802", "99 Main St, Newark NJ 07102",
           "1 Ocean Ave, Miami FL 33101", None)  # fmt: skip
_POOLS: dict[str, tuple[Any, ...]] = {
    "mode": ("ocean", "ocean", "ocean", "air", "truck", "rail", "mail", "express"),
    "port": ("2704", "2709", "1001", "2304", "3801", "2720"),
    "entry_type": ("01", "03", "06", "11", "21", "61", "62", "86", None),
    "importer_id": ("I0", "I1", "I2", "12-345678900", "041201-12345", None),
    "importer_name": ("Acme Trading LLC", "ACME TRADNG LLC", "Zenith Imports Inc", "Zenit Imports Inc", None),
    "importer_address": _PLACES,
    "consignee_id": ("C0", "C1", "I1", None),
    "consignee_name": ("Jane Doe", "Acme Trading LLC", None),
    "consignee_address": _PLACES,
    "shipper_id": ("H0", "H1", "H2", None),
    "shipper_address": ("88 Nanjing Rd, Shanghai CN", "88 Nanjing Road Shanghai", None),
    "manufacturer_id": ("CNACMTRA123SHE", "VNHANFAC9HAN", "XJZZZ", "MXFABMEX12MON", None),
    "manufacturer_name": ("Acme Factory", "Xinjiang Cotton Mill", "Hoshine Silicon Industry", None),
    "manufacturer_address": ("Urumqi, Xinjiang, China", "88 Nanjing Rd, Shanghai CN", None),
    "carrier_id": ("MAEU", "CMDU", "x", None),
    "filer_id": ("ABC", "XYZ", "12A", None),
    "origin_country": ("CN", "CN", "CN", "VN", "MX", "CA", "KR", "PE", "DE", "MY", "ZZ", None),
    "export_country": ("CN", "CN", "VN", "MX", "CA", "KR", "SG", "HK", None),
    "foreign_port": ("57035", "57020", "55976", "58023", "20199", "99999", None),
    "hts": ("8517130000", "851713", "851713", "851713", "851713", "6109100012", "5208110000", "8541430010",
            "0804400010", "4407110002", "7604291010", "9503000073", "0207140000", "8703230190", "9801001012", "8517",
            "0000", None),
    "description": ("mobile telephones", "T-shirts of cotton", "cotton shirts", "FAK", "said to contain parts",
                    "gift", "fresh avocados", "solar cells assembled in modules", "aluminum extrusions",
                    "wooden planks", "toys", None),
    "value_usd": (100.0, 799.99, 800.0, 801.0, 2500.0, 2500.01, 19999.5, 250000.0, 0.0, None),
    "weight_kg": (0.5, 10.0, 10.0, 120.5, 9000.0, 9000.0, 0.0, None),
    "quantity": (1.0, 10.0, 10.0, 500.0, 0.0, None),
    "quantity_unit": ("NO", "NO", "NO", "KG", None),
    "duty_rate_pct": (0.0, 2.5, 25.0, None),
    "container_ids": ("CSQU3054383", "CSQU3054384", "CSQU3054383;MSKU0000007", "csqu 305438 3", None),
    "seal_ids": ("SL1", "SL2;SL3", "SL1", None),
    "preference_program": ("S", "S+", "KR", "PE", "A", "E", "??", None, None),
    "bond_type": ("0", "8", "9", None),
    "pga_flags": ("FD1", "FD4;EP2", "AL1", "AQ2", "OM1;??", None, None),
    "conveyance_id": ("9074729", "IMO9074729", "9074728", "CA123", None),
    "wood_packaging": (True, False, None),
    "in_bond": (True, False, False, None),
}  # fmt: skip
"""What declarations look like: real codes, near-duplicates, codes that do not exist, and nothing."""

_TEXTS = [
    column.name for column in SHIPMENTS.columns if column.type == "text" and not column.required and not column.choices
]
_CODES = [name for name in _TEXTS if SHIPMENTS[name].max_length == MAX_CODE_LENGTH]


@dataclass(frozen=True)
class Log:
    """Rows of the tables, and the days whose arrivals are asked about."""

    days: tuple[date, ...]
    tables: dict[str, list[Row]]

    def sample(self) -> Sample:
        """The live shipments of the days and their history."""
        return with_history(*self.days, **self.tables)

    def rows(self) -> dict[str, Row]:
        """The same shipments as the oracle knows them, by shipment_id, in the order of the days."""
        live = (row for day in self.days for row in self.oracle.live_on(day).values())
        return {row["shipment_id"]: row for row in live if row["action"] != "deleted"}

    @property
    def oracle(self) -> Oracle:
        """The slow answers about this log."""
        return Oracle(ZoneInfo("UTC"), **{name: list(rows) for name, rows in self.tables.items()})


def with_history(*days: date, **tables: Iterable[Row]) -> Sample:
    """The live shipments of some days (DAY, when none is named) and their history, of a log that holds these rows."""
    days = days or (DAY,)
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, **tables)
        arriving = pa.concat_tables([live_on(ledger.connection, day, ledger.position) for day in days])
        shipments = as_frame(arriving, index="shipment_id")
        shipments = shipments[shipments["action"] != "deleted"]
        past = Past(workspace, ledger)
        if len(days) == 1:
            return shipments, past.of_morning(shipments, days[0], ledger.position)
        return shipments, past.of_replay(shipments, max(days) + timedelta(1), ledger.position)


def log() -> Log:
    """Arrivals of all sorts on the SAMPLED days, and the past they share."""
    past = past_rows()
    today = [*drawn(), *hostile(), *bare(), *listed()]
    return Log(SAMPLED, past | {"shipments": [*past["shipments"], *today]})


def past_rows(seed: int = 0, size: int = 160) -> dict[str, list[Row]]:
    """Shipments of the weeks before the SAMPLED days: examined, questioned, amended, deleted, their parties ranked."""
    random = Random(f"past {seed}")  # noqa: S311 - reproducible rows, not secrets
    arrivals = [random.choice(SAMPLED) - timedelta(random.randint(1, PAST_DAYS)) for _ in range(size)]
    filed = [_declared(random) | {"shipment_id": f"P{n}", "arrival_date": arrivals[n]} for n in range(size)]
    later = [
        row | {"version": 1, "action": random.choice(("amended", "deleted")), "filed_at": noon(row["arrival_date"], 1)}
        for row in random.sample(filed, size // 5)
    ]
    examined = random.sample(range(size), size // 2)
    questioned = random.sample(range(size), size // 4)
    return {
        "shipments": factories.shipments(*filed, *later, seed=seed),
        "outcomes": factories.outcomes(*(_outcome(random, f"P{n}", arrivals[n]) for n in examined), seed=seed),
        "traders": factories.traders(*_statuses(random), seed=seed),
        "post_entry": factories.post_entry(*(_event(random, f"P{n}", arrivals[n]) for n in questioned), seed=seed),
    }


def drawn(size: int = 120) -> list[Row]:
    """Arrivals of the SAMPLED days as declarations look; some amended already, some filed just in time."""
    random = Random("drawn")  # noqa: S311 - reproducible rows, not secrets
    rows = []
    for n in range(size):
        arrival = SAMPLED[n % len(SAMPLED)]
        filed = noon(arrival, -random.randint(1, 9)) if random.random() < 0.9 else None
        name = f"D{n}" if n % 12 else f"ABC-1234567-{n // 12}"  # like entry numbers, one of which checks
        row = {"shipment_id": name, "arrival_date": arrival, "version": n % 3, "filed_at": filed}
        rows.append(_declared(random) | _timed(random, arrival) | row)
    return factories.shipments(*rows, seed=1)


def hostile() -> list[Row]:
    """Arrivals of DAY with one hostile text in every text column that may hold it."""
    return factories.shipments(
        *(
            {
                "shipment_id": f"hostile {n}",
                **{name: text for name in _TEXTS if name not in _CODES or len(text) <= MAX_CODE_LENGTH},
            }
            for n, text in enumerate(HOSTILE)
        )
    )


def bare() -> list[Row]:
    """Arrivals of DAY that state what they must and nothing else."""
    nothing = {column.name: None for column in SHIPMENTS.columns if not column.required}
    return factories.shipments(*({"shipment_id": f"bare {n}", **nothing} for n in range(3)))


def listed() -> list[Row]:
    """Arrivals of DAY that a list names: cotton of Turkmenistan, under a withhold release order."""
    return factories.shipments({"shipment_id": "listed", "origin_country": "TM", "hts": "5201001200"})


def extreme() -> list[Row]:
    """Arrivals of DAY with the least and the largest amounts that validation lets in."""
    amounts = (5e-324, 1e-300, 1e-9, 0.0, 0.004, 0.01, 1.0, 1e12)
    return factories.shipments(
        *(
            {"shipment_id": f"extreme {i} {j}", "value_usd": a, "weight_kg": b, "quantity": b, "duty_rate_pct": a}
            for i, a in enumerate(amounts)
            for j, b in enumerate(amounts)
        )
    )


def rows_of(sample: Sample, rows: np.ndarray) -> Sample:
    """The shipments at `rows` and their part of the history, in that order."""
    shipments, history = sample
    parts = {each.name: _taken(getattr(history, each.name), rows) for each in fields(history)}
    return shipments.iloc[rows], type(history)(**parts)


def _taken(part: Any, rows: np.ndarray) -> Any:
    """A part of a history at `rows`: mappings, arrays and frames in each other, with a row per shipment."""
    if isinstance(part, pd.DataFrame):
        return part.iloc[rows]
    if is_dataclass(part):
        return part.take(rows)
    return {name: _taken(each, rows) for name, each in part.items()}


def _declared(random: Random) -> Row:
    return {column: random.choice(values) for column, values in _POOLS.items()}


def _timed(random: Random, arrival: date) -> Row:
    laden = random.choice((noon(arrival, -21), noon(arrival, -2), None))
    filings = (noon(arrival, -25), noon(arrival, -21), noon(arrival, -20), noon(arrival, 1), None)
    return {"laden_at": laden, "isf_filed_at": random.choice(filings)}


def _outcome(random: Random, shipment: str, arrival: date) -> Row:
    results = ("seized", "released_with_discrepancy", "duty_billed", "released_no_discrepancy", "detained")
    return {
        "shipment_id": shipment,
        "result": random.choice(results),
        "hazard": random.choice((None, *reference.hazards())),
        "exam_date": arrival,
        "known_at": noon(arrival, random.choice((0, 1, 40))),
    }


def _event(random: Random, shipment: str, arrival: date) -> Row:
    return {
        "shipment_id": shipment,
        "event": random.choice(("cf28", "cf28", "cf29", "protest", "post_summary_correction")),
        "event_date": arrival + timedelta(10),
        "status": random.choice(("open", "closed", "withdrawn", None)),
        "amount_usd": random.choice((None, 1234.5, 99.0)),
        "known_at": noon(arrival, random.choice((10, 11, 50))),
    }


def _statuses(random: Random) -> list[Row]:
    """For each party a status long held and, later, another; learned at once or weeks after."""
    rows = []
    for party in ("I0", "I1", "12-345678900", "041201-12345", "H0", "H1"):
        for begun in (date(2016, 1, 1), date(2019, 10, 1), date(2025, 4, 1)):
            row = {
                "trader_id": party,
                "valid_from": begun,
                "known_at": noon(begun, random.choice((0, 40))),
                "ctpat_tier": random.choice((1, 2, 3, None)),
                "ctpat_status": random.choice(("certified", "validated", "suspended", "removed", "member", "none")),
                "isa_member": random.choice((True, False)),
                "ctpat_trade_compliance": random.choice((True, False)),
                "aeo_programme": random.choice((None, "AEO", "Korea AEO")),
                "center": random.choice(("AERO", "ELEC", "Apparel, Footwear & Textiles", None)),
                "country": random.choice(("US", "KR", "CN", "CA", None)),
                "role": random.choice(("importer", "exporter", "manufacturer", None)),
            }
            rows.append(row)
    return rows

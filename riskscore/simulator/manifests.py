"""From positions to the shipments table: names, addresses, containers, seals, and the damage of damaged lines."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from riskscore import tables
from riskscore.simulator import identifiers, lists
from riskscore.simulator.arrays import Ints, Texts, either, texts
from riskscore.simulator.filings import DAMAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.simulator.cargo import Cargo
    from riskscore.simulator.filings import Filings
    from riskscore.simulator.papers import Papers
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population
    from riskscore.simulator.traffic import Traffic

_ARROW = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_schema(table: tables.Table) -> pa.Schema:
    """The Arrow schema of a declared table.

    >>> arrow_schema(tables.SHIPMENTS).field("filed_at").type
    TimestampType(timestamp[us, tz=UTC])
    """
    return pa.schema([(column.name, _ARROW[column.type]) for column in table.columns])


def day_table(
    settings: Settings, people: Population, traffic: Traffic, cargo: Cargo, sheet: Papers, rows: Filings
) -> pa.Table:
    """The shipments table of some filed rows, in their order."""
    columns = {
        **_filing(settings, traffic, sheet, rows),
        **_parties(people, traffic, sheet, rows),
        **_goods(traffic, cargo, sheet, rows),
        **_addresses(people, traffic, sheet, rows),
    }
    _break_lines(columns, rows.damage)
    schema = arrow_schema(tables.SHIPMENTS)
    return pa.table([_arrow(columns[f.name], f.type) for f in schema], schema=schema)


def _arrow(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    if kind == pa.float64():
        return pa.array(values, type=kind, from_pandas=True)  # NaN stands for null while we compute
    if kind == pa.timestamp("us", tz="UTC"):
        return pa.array(values, type=pa.int64(), mask=values < 0).cast(kind)
    return pa.array(values, type=kind)


def _dates(settings: Settings, day: Ints) -> Texts:
    first = settings.start.toordinal()
    return texts([date.fromordinal(first + int(d)) for d in day])


def _filing(settings: Settings, traffic: Traffic, sheet: Papers, rows: Filings) -> dict[str, Any]:
    return {
        "shipment_id": sheet.shipment_ids[rows.shipment],
        "version": rows.version.astype(np.int64),
        "action": np.array(tables.ACTIONS, dtype=object)[rows.action],
        "filed_at": rows.filed,
        "arrival_date": _dates(settings, traffic.day[rows.like]),
        "mode": np.array(tables.MODES, dtype=object)[traffic.mode[rows.like]],
        "port": np.array(lists.column("ports", "port"), dtype=object)[traffic.port[rows.like]],
        "conveyance_id": sheet.conveyances[rows.like],
        "laden_at": sheet.laden[rows.like],
        "isf_filed_at": sheet.isf[rows.like],
    }


def _parties(people: Population, traffic: Traffic, sheet: Papers, rows: Filings) -> dict[str, Any]:
    at = rows.like
    importer = traffic.importer[at]
    itself = rows.consignee < 0
    hidden, unknown = sheet.withheld[at], sheet.no_maker[at]
    consignee_id = either(itself, people.importers.ids[importer], people.consignees.ids[rows.consignee])
    consignee = either(itself, people.importers.names[importer], people.consignees.names[rows.consignee])
    carriers = lists.table("carriers")
    scac, line = (np.array([row[key] for row in carriers], dtype=object) for key in ("scac", "name"))
    return {
        "importer_id": people.importers.ids[importer],
        "importer_name": either(hidden, None, people.importers.names[importer]),
        "consignee_id": consignee_id,
        "consignee_name": either(hidden, None, consignee),
        "shipper_id": people.shippers.ids[traffic.shipper[at]],
        "shipper_name": either(
            hidden & (traffic.shipper[at] % 2 == 0), None, people.shippers.names[traffic.shipper[at]]
        ),
        "manufacturer_id": either(unknown, None, people.manufacturers.ids[traffic.manufacturer[at]]),
        "manufacturer_name": either(unknown, None, people.manufacturers.names[traffic.manufacturer[at]]),
        "carrier_id": scac[traffic.carrier[at]],
        "carrier_name": line[traffic.carrier[at]],
        "filer_id": people.filers.ids[traffic.filer[at]],
        "filer_name": people.filers.names[traffic.filer[at]],
    }


def _addresses(people: Population, traffic: Traffic, sheet: Papers, rows: Filings) -> dict[str, Any]:
    """Addresses as this filing spells them; none with a withheld name, and sometimes none at all."""
    at = rows.like
    spelling, unsaid = sheet.spelling[at], sheet.no_address[at]
    importer = people.importers.addresses[traffic.importer[at], spelling]
    consignee = either(rows.consignee < 0, importer, people.consignees.addresses[rows.consignee, spelling])
    shipper = people.shippers.addresses[traffic.shipper[at], spelling]
    maker = people.manufacturers.addresses[traffic.manufacturer[at], spelling]
    return {
        "importer_address": either(sheet.withheld[at], None, importer),
        "consignee_address": either(sheet.withheld[at] | unsaid, None, consignee),
        "shipper_address": either(unsaid, None, shipper),
        "manufacturer_address": either(sheet.no_maker[at], None, maker),
    }


def _goods(traffic: Traffic, cargo: Cargo, sheet: Papers, rows: Filings) -> dict[str, Any]:
    at = rows.like
    countries = np.array(lists.COUNTRIES, dtype=object)
    _, codes = lists.foreign_ports()
    by_sea = traffic.mode[at] == tables.MODES.index("ocean")
    boxes, seals = _boxes(traffic, cargo, sheet, at)
    return {
        "origin_country": countries[traffic.origin[at]],
        "export_country": countries[traffic.export[at]],
        "foreign_port": either(by_sea, codes[traffic.foreign_port[at]], None),
        "hts": rows.hts,
        "description": rows.description,
        "value_usd": rows.value_usd,
        "weight_kg": rows.weight_kg,
        "quantity": rows.quantity,
        "quantity_unit": cargo.unit[at],
        "duty_rate_pct": cargo.duty_pct[at],
        "duty_regime": cargo.regime[at],
        "container_ids": boxes,
        "seal_ids": seals,
        "preference_program": cargo.preference[at],
        "bond_type": cargo.bond[at],
        "in_bond": cargo.in_bond[at],
        "pga_flags": cargo.pga[at],
        "entry_type": cargo.entry_type[at],
        "wood_packaging": cargo.wood[at],
    }


def _boxes(traffic: Traffic, cargo: Cargo, sheet: Papers, at: Ints) -> tuple[Texts, Texts]:
    """Container and seal numbers of the rows, separated by ';'; None where there are none."""
    prefixes = lists.column("carriers", "prefix")
    boxes, seals = [], []
    for shipment in at:
        count, first = int(cargo.containers[shipment]), int(sheet.box_serials[shipment])
        owner = prefixes[traffic.carrier[shipment]]
        numbers = [identifiers.container(owner, (first + 7919 * k) % 1_000_000) for k in range(count)]
        if sheet.bad_box[shipment] and numbers:
            numbers[0] = _misread(numbers[0])
        boxes.append(";".join(numbers) or None)
        sealed = count > 0 and not sheet.no_seal[shipment]
        seals.append(_seals(owner, int(sheet.seal_serials[shipment]), count) if sealed else None)
    return texts(boxes), texts(seals)


def _misread(number: str) -> str:
    """A container number with another check digit."""
    return f"{number[:-1]}{(int(number[-1]) + 3) % 10}"


def _seals(owner: str, first: int, count: int) -> str:
    return ";".join(f"{owner[:2]}{(first + k) % 10_000_000:07d}" for k in range(count))


_BROKEN: dict[str, tuple[str, Any]] = {
    "null shipment_id": ("shipment_id", None),
    "null arrival_date": ("arrival_date", None),
    "null mode": ("mode", None),
    "null port": ("port", None),
    "mode boat": ("mode", "boat"),
    "negative weight": ("weight_kg", -250.0),
    "negative value": ("value_usd", -1.0),
    "negative quantity": ("quantity", -12.0),
    "infinite value": ("value_usd", np.inf),
    "infinite weight": ("weight_kg", np.inf),
    "unknown action": ("action", "cancelled"),
    "negative version": ("version", -1),
    "endless identifier": ("shipment_id", "X" * (tables.MAX_CODE_LENGTH + 1)),
    "absurd value": ("value_usd", 1e18),
}


def _break_lines(columns: dict[str, Any], damage: Ints) -> None:
    for kind in np.unique(damage[damage > 0]):
        name, value = _BROKEN[DAMAGES[kind - 1]]
        columns[name] = columns[name].copy()
        columns[name][damage == kind] = value

"""Plain code lists: modes of transport and bonds.

Tables: mode_of_transport.csv, mode_families.csv (each code as one of the modes of the shipments table, and whether it
is containerised) and bonds.csv.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskscore.reference.asof import by_code, numbers
from riskscore.reference.facts import Fact, fact
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from riskscore.reference.asof import Floats, Keys, Objects

_YES_NO = {"yes": True, "no": False}


def mode_of_transport(code: str, *, tables: Tables = PACKAGED) -> Fact[str] | None:
    """What a two-digit mode code means; None for a code that the table does not know.

    >>> mode_of_transport("11").value, mode_of_transport("11").low_confidence
    ('Vessel, container', False)
    """
    rows = {row["code"]: row for row in tables.rows("mode_of_transport")}
    return fact(rows[code]["description"], rows[code], "", "") if code in rows else None


def mode(code: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The mode of the shipments table that a two-digit code belongs to: ocean, air, truck, rail or mail.

    Args:
        code: two digits, as text; null = not stated.
        tables: reference tables in use (mode_families.csv).

    Returns:
        Text; None for a code that belongs to none, or that the table does not know.

    >>> mode(["11", "40", "33", "99"])
    array(['ocean', 'air', None, None], dtype=object)
    """
    known = {row["code"]: row["mode"] for row in tables.rows("mode_families")}
    return by_code(known.get, code)


def containerised(code: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """Whether a two-digit mode code says that the goods are in a container: 1 yes, 0 no, NaN it does not say.

    >>> containerised(["11", "10", "50"])
    array([ 1.,  0., nan])
    """
    known = {row["code"]: _YES_NO.get(row["containerised"]) for row in tables.rows("mode_families")}
    return numbers(by_code(known.get, code))


def bond_type(code: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """What a bond type means: none required, continuous, single transaction; None for an unknown code.

    >>> bond_type(["8", "7"])
    array(['continuous', None], dtype=object)
    """
    return by_code(_bonds("bond_type", tables).get, code)


def bond_activity(code: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """What a bond activity code covers; None for an unknown code.

    >>> bond_activity(["1", "99"])
    array(['importer or broker', None], dtype=object)
    """
    return by_code(_bonds("activity", tables).get, code)


def _bonds(field: str, tables: Tables) -> dict[str, str]:
    return {row["code"]: row["description"] for row in tables.rows("bonds") if row["field"] == field}

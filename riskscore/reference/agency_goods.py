"""Goods for which a partner agency usually wants data. Table: agency_goods.csv, from memory and indicative.

The agencies are named as in pga_flags_partial.csv or by the first part of such a name ("EPA"). The tariff itself
carries the flags by ten digits; that list was not read, so a missing flag is a reason to look, not a fault.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.errors import ConfigError
from riskscore.reference import partner_agencies
from riskscore.reference.asof import as_text, by_code, numbers
from riskscore.reference.facts import cell_list, prefixes
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import in_range, is_goods

if TYPE_CHECKING:
    from riskscore.reference.asof import Floats, Keys, Objects


def expected(hts: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The agencies that usually want data on the goods.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        tables: reference tables in use (agency_goods.csv).

    Returns:
        Tuples of agencies, each once, in the order of the table; None where the number is no tariff number of goods.

    >>> expected(["0804400040", "8471300100", None])
    array([('FDA', 'APHIS'), (), None], dtype=object)
    """
    return by_code(lambda code: _expected(code, tables), hts)


def unflagged(hts: Keys, flags: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """How many of the expected agencies no flag speaks for.

    Args:
        hts: tariff number, 4 to 10 digits as text; null is unclassified.
        flags: cells of flags, separated by ';'; null = no flag stated.
        tables: reference tables in use (agency_goods.csv, pga_flags_partial.csv).

    Returns:
        Number of agencies; NaN where the number is no tariff number of goods.

    >>> unflagged("0804400040", ["FD4;AQ1", "FD4", None])
    array([0., 1., 2.])
    """
    wanted = by_code(lambda code: None if (found := _expected(code, tables)) is None else ";".join(found), hts)
    return numbers(by_code(lambda names, cell: _silent(names, cell, tables), wanted, _stated(flags)))


def _stated(flags: Keys) -> Objects:
    """Cells of flags, a null as an empty one: no flag is an answer here."""
    cells = as_text(flags)
    return np.where(pd.isna(cells), "", cells)


def _silent(wanted: str, cell: str, tables: Tables) -> int:
    """How many of the agencies wanted the flags of a cell do not speak for."""
    speaking = partner_agencies.agencies(cell, tables=tables).item()
    return sum(not any(name.startswith(agency) for name in speaking) for agency in cell_list(wanted))


def _expected(hts: str, tables: Tables) -> tuple[str, ...] | None:
    if not is_goods(hts):
        return None
    return tuple(dict.fromkeys(agency for agency, low, high in _goods(tables) if in_range(hts, low, high)))


@lru_cache(maxsize=16)
def _goods(tables: Tables) -> tuple[tuple[str, str, str], ...]:
    """Agencies with the range of tariff prefixes they look after."""
    found = []
    for row in tables.rows("agency_goods"):
        if not row["agency"].strip():
            fix = "name it as in pga_flags_partial.csv"
            raise ConfigError("a row without an agency", where="agency_goods.csv", fix=fix)
        found.append((row["agency"].strip(), *prefixes("agency_goods", row)))
    return tuple(found)

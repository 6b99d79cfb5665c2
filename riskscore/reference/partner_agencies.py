"""Partner government agencies: which agency a flag belongs to, and whether its data are required.

Table: pga_flags_partial.csv, which is partial and mostly from memory. One row may stand for several flags: AL1/AL2,
FW1-FW3; its confidence S may be limited to some of them, as in "S (DT1)".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_code, numbers
from riskscore.reference.facts import Fact, cell_list
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from riskscore.reference.asof import Floats, Keys, Objects
    from riskscore.reference.facts import Row

_FLAG = re.compile(r"([A-Z]+)(\d)")


@dataclass(frozen=True, slots=True)
class Flag:
    """A partner agency flag.

    Attributes:
        agency: who asks for the data; a programme of the agency may follow its name.
        meaning: in the words of the table; "" = not known.
        required: True = data are required, False = they may be, None = not known.
    """

    agency: str
    meaning: str
    required: bool | None


def flag(code: str, *, tables: Tables = PACKAGED) -> Fact[Flag] | None:
    """What a flag asks for; None for a flag that the table does not know.

    >>> flag("DT2").value, flag("DT2").low_confidence
    (Flag(agency='NHTSA', meaning='is required', required=True), True)
    """
    return _flags(tables).get(code)


def agencies(flags: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The agencies behind each cell of flags, which are separated by ';' (shipments.pga_flags).

    Args:
        flags: cells of flags; null = no flag stated.
        tables: reference tables in use (pga_flags_partial.csv).

    Returns:
        Tuples of agencies, each once, in the order of the flags; flags that the table does not know are passed over.
        None for a null cell.

    >>> agencies(["FD4;AQ1", "ZZ9", None])
    array([('FDA', 'APHIS'), (), None], dtype=object)
    """
    return by_code(lambda cell: tuple(dict.fromkeys(f.value.agency for f in _known(cell, tables))), flags)


def required(flags: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """Whether any flag of a cell says that agency data are required.

    Args:
        flags: cells of flags, separated by ';'; null = no flag stated.
        tables: reference tables in use (pga_flags_partial.csv).

    Returns:
        1 yes, 0 data may be required at most; NaN for a null cell, or where only flags of unknown meaning stand.

    >>> required(["FD4;AQ1", "FD1", "FW1", None])
    array([ 1.,  0., nan, nan])
    """
    return numbers(by_code(lambda cell: _required(cell, tables), flags))


def unknown(flags: Keys, *, tables: Tables = PACKAGED) -> Floats:
    """How many flags of each cell the table does not know; NaN for a null cell.

    >>> unknown(["FD4;ZZ9", "AQ1", None])
    array([ 1.,  0., nan])
    """
    return numbers(by_code(lambda cell: len(cell_list(cell)) - len(_known(cell, tables)), flags))


def _known(cell: str, tables: Tables) -> list[Fact[Flag]]:
    return [_flags(tables)[code] for code in cell_list(cell) if code in _flags(tables)]


def _required(cell: str, tables: Tables) -> bool | None:
    meanings = [f.value.required for f in _known(cell, tables)]
    stated = [required for required in meanings if required is not None]
    # An unknown meaning could be a requirement, so it only yields to a stated one.
    return True if any(stated) else (None if len(stated) < len(meanings) or not stated else False)


@lru_cache(maxsize=16)
def _flags(tables: Tables) -> dict[str, Fact[Flag]]:
    return {code: found for row in tables.rows("pga_flags_partial") for code, found in _expanded(row)}


def _expanded(row: Row) -> list[tuple[str, Fact[Flag]]]:
    """The flags a row stands for. Two flags may share a meaning such as "may be / is required"."""
    codes = _codes(row["flag"])
    parts = [part.strip() for part in row["meaning"].split("/")]
    meanings = parts if len(parts) == len(codes) else [row["meaning"]] * len(codes)
    limited = re.findall(r"[A-Z]+\d", row["conf"])
    found = []
    for code, meaning in zip(codes, meanings, strict=True):
        conf = ("S" if code in limited else "M") if limited else row["conf"]
        found.append((code, Fact(Flag(row["agency"], meaning, _is_required(meaning)), None, None, conf, row["source"])))
    return found


def _codes(cell: str) -> list[str]:
    if "-" not in cell:
        return [code.strip() for code in cell.split("/")]
    ends = [_FLAG.fullmatch(end.strip()) for end in cell.split("-")]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0][1] != ends[1][1]:
        raise ConfigError(f"expected flags like FW1-FW3, got {cell!r}", where="pga_flags_partial.csv, flag")
    return [f"{ends[0][1]}{n}" for n in range(int(ends[0][2]), int(ends[1][2]) + 1)]


def _is_required(meaning: str) -> bool | None:
    if "may be" in meaning:
        return False
    return True if "required" in meaning else None

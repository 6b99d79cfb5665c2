"""Foreign ports: the country of a Schedule K code. Table: schedule_k_countries.csv.

The first three digits of a code name a country (those of Canada, its regions), numbered as in Census Schedule C. The
numbers are mostly from memory.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.asof import by_code
from riskscore.reference.loading import PACKAGED, Tables
from riskscore.reference.validity import is_country

if TYPE_CHECKING:
    from collections.abc import Mapping

    from riskscore.reference.asof import Keys, Objects

_SCHEDULE_K = re.compile(r"[0-9]{5}")


def country(port: Keys, *, tables: Tables = PACKAGED) -> Objects:
    """The country of a foreign port, by the longest prefix of the table.

    Args:
        port: Schedule K codes, five digits as text; null = not stated.
        tables: reference tables in use (schedule_k_countries.csv).

    Returns:
        ISO 3166 alpha-2; None for a null, a code of another form, or a prefix that the table does not know.

    >>> country(["57035", "41252", "12493", "CNSHA", None])
    array(['CN', 'GB', 'CA', None, None], dtype=object)
    """
    return by_code(lambda code: _country(code, prefixes(tables)), port)


@lru_cache(maxsize=16)
def prefixes(tables: Tables = PACKAGED) -> Mapping[str, str]:
    """Countries by the first digits of their ports' codes.

    Raises:
        ConfigError: a prefix that is none, or no country.

    >>> prefixes()["409"]
    'DK'
    """
    found = {}
    for row in tables.rows("schedule_k_countries"):
        if not re.fullmatch(r"[0-9]{1,5}", row["prefix"]) or not is_country(row["country"]):
            fix = "write up to five digits and an ISO code"
            raise ConfigError(f"prefix {row['prefix']!r} is none", where="schedule_k_countries.csv", fix=fix)
        found[row["prefix"]] = row["country"]
    return MappingProxyType(found)


def _country(code: str, known: Mapping[str, str]) -> str | None:
    if not _SCHEDULE_K.fullmatch(code):
        return None
    return next((known[code[:n]] for n in range(5, 0, -1) if code[:n] in known), None)

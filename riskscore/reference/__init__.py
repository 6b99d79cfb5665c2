"""Dated facts of the trade, packaged as CSV with their sources, and the look-ups that read them as of a day.

Each row's `conf` is S (seen in a public document), M (from memory, a working assumption) or a note; `source`
says where. How the tables are read: a month without a day means its first day; an open end is blank; the last day
of a period is inclusive; where two rows cover a day, the most specific scope wins (a named origin before all
origins); what is incomplete or ambiguous is answered by candidates of low confidence. A code that no table knows
gives null, never 0.

Every table is a default: `tables(folder)` reads a folder in which a user's own files of the same columns replace
the packaged ones, and each look-up takes the result as `tables`.

The look-ups stand in one module per subject: ctpat, mutual_recognition, centers, de_minimis, forced_labour,
supply_chains, preferences, port_programmes, foreign_ports, entry_types, codes (modes, bonds), examinations,
partner_agencies, agency_goods, agriculture, adcvd, adcvd_orders, descriptions, timeline, identifiers and manufacturers.
Those named like what they return take arrays and give arrays; `candidates` and the
like answer one question with all its evidence, as facts.
"""

from riskscore.reference.facts import Fact, Row
from riskscore.reference.loading import PACKAGED, Tables, tables
from riskscore.reference.vocabulary import (
    CLEAR,
    EXCLUDED,
    PENDING,
    POSITIVE,
    RULE_ONLY_HAZARDS,
    UNLABELLED,
    exams,
    hazards,
    learned_hazards,
    results,
    rows,
    sensitivity,
)

__all__ = [
    "CLEAR",
    "EXCLUDED",
    "PACKAGED",
    "PENDING",
    "POSITIVE",
    "RULE_ONLY_HAZARDS",
    "UNLABELLED",
    "Fact",
    "Row",
    "Tables",
    "exams",
    "hazards",
    "learned_hazards",
    "results",
    "rows",
    "sensitivity",
    "tables",
]

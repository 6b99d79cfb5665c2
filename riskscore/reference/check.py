"""Reads every table for what it means: a user's own file fails when it is loaded, not in the middle of a day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference import (
    adcvd,
    adcvd_orders,
    agency_goods,
    agriculture,
    centers,
    ctpat,
    de_minimis,
    descriptions,
    examinations,
    forced_labour,
    foreign_ports,
    identifiers,
    mutual_recognition,
    partner_agencies,
    port_programmes,
    preferences,
    supply_chains,
    vocabulary,
)

if TYPE_CHECKING:
    from riskscore.reference.loading import Tables

_DAY, _GOODS = date(2020, 1, 1), "8471300100"


def check(tables: Tables) -> None:
    """Ask one question of each module whose tables hold more than plain text.

    Raises:
        ConfigError: a cell cannot be read, a row names what another table lacks, or exam_visibility.csv does not
            speak of exactly the exams and hazards of the contract.

    >>> from riskscore.reference import PACKAGED
    >>> check(PACKAGED)
    """
    adcvd.orders_in_force([_DAY], tables=tables)
    adcvd_orders.orders(tables)
    agency_goods.expected([_GOODS], tables=tables)
    agriculture.goods_kind([_GOODS], tables=tables)
    agriculture.hemisphere(["CN"], tables=tables)
    agriculture.wood_packaging_rules(tables)
    centers.candidates(_GOODS, _DAY, tables=tables)
    ctpat.definitions(tables)
    ctpat.benefit(1, _DAY, tables=tables)
    ctpat.tiered_roles(tables)
    de_minimis.threshold("CN", _DAY, tables=tables)
    descriptions.is_vague("", tables=tables)
    forced_labour.orders(tables)
    forced_labour.presumption([_DAY], tables=tables)
    forced_labour.sectors(_GOODS, _DAY, tables=tables)
    foreign_ports.prefixes(tables)
    identifiers.importer_candidates("", tables=tables)
    mutual_recognition.candidates("NZ", _DAY, tables=tables)
    partner_agencies.flag("FD1", tables=tables)
    port_programmes.programmes("2704", _DAY, tables=tables)
    preferences.candidates("MX", _DAY, tables=tables)
    supply_chains.third_countries(tables)
    supply_chains.address_in_region("", "CN", tables=tables)
    for exam in vocabulary.exams():
        examinations.examination(exam, tables=tables)
    _check_visibility(tables)


def _check_visibility(tables: Tables) -> None:
    ours, theirs = set(vocabulary.sensitivity()), set(vocabulary.sensitivity(tables))
    if ours != theirs:
        exam, hazard = min(ours ^ theirs)
        what = f"pair {exam}, {hazard} is {'missing' if (exam, hazard) in ours else 'unknown'}"
        raise ConfigError(what, where="exam_visibility.csv", fix="keep every pair of the packaged table")

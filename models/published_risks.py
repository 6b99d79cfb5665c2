"""What CBP and its auditors have published about targeting models, and what a model of this program does about it.

For the model card, in words close to the sources': the inventory of AI uses that the Office of Management and Budget
(OMB) published for 2025, reports of the Government Accountability Office (GAO) and of the Inspector General of DHS
(OIG), and a study of the World Bank. Gathered from excerpts of them, not from the full texts.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["INVENTORY", "RISKS", "PublishedRisk"]


class PublishedRisk(NamedTuple):
    """A published point, who published it and when, and this program's answer."""

    source: str
    said: str
    answer: str


RISKS = (
    PublishedRisk(
        "DHS-2390 Cargo Security Assessment Model, in use since 2011 (OMB AI inventory 2025)",
        "false positives and false negatives",
        "Precision and recall at capacity with intervals, above; what was never examined stays unknown, and is "
        "measured only through the random floor.",
    ),
    PublishedRisk(
        "DHS-2390 (OMB AI inventory 2025)",
        "disproportionate targeting of certain importers",
        "`riskscore backtest` shows the burden of exams per segment, small importers among them; a model that is "
        "worse in a protected segment is refused promotion.",
    ),
    PublishedRisk(
        "DHS-2390 (OMB AI inventory 2025)",
        "adversaries adapting",
        "Each port draws part of its exams at random, from everything; recent cases may be given more weight "
        "(`half_life_days`). A change of method shows first in the random floor.",
    ),
    PublishedRisk(
        "DHS-2390 (OMB AI inventory 2025)",
        "a model hit is shown as a system rule hit; officer decides",
        "The output is a recommendation that names its arm and rule; an officer decides.",
    ),
    PublishedRisk(
        "DHS-2391 Illicit Trade, since 2023; DHS-86 Agriculture Commodity Model, since 2022 (OMB AI inventory 2025)",
        "separate models for trade violations and for pests",
        "One booster per hazard with enough confirmed cases; those without are listed above.",
    ),
    PublishedRisk(
        "DHS-95 Trade Entity Risk Model, since 2025 (OMB AI inventory 2025)",
        "entity risk measures feed other models, not users",
        "A trader's record enters as features of its shipments; no score of a trader is made or shown.",
    ),
    PublishedRisk(
        "GAO-06-591T, 2006",
        "no key controls to show that targeting finds the riskiest; inspection results not systematically fed back; "
        "random inspections to be compared",
        "The random floor gives the comparison; results return as labels, with the day on which they became known.",
    ),
    PublishedRisk(
        "GAO-13-9, 2012",
        "weight set changed without documented analysis; no targets for accuracy; no regular assessment",
        "Bundle, data window and settings stand under one digest; `riskscore promote` holds a model against numeric "
        "targets and records evidence and decision.",
    ),
    PublishedRisk(
        "GAO-15-294, 2015",
        "deleted bills and scores given after release counted; waivers undefined and mis-recorded",
        "Both are left out by the label policy; a waived shipment is unlabelled, never clean.",
    ),
    PublishedRisk(
        "OIG-10-34, 2010",
        "57 of 391 high-risk shipments lacked documents to support waiver or exam",
        "Not answered by a model: each recommendation keeps its reasons; what the unit did is the unit's to document.",
    ),
    PublishedRisk(
        "OIG-15-39, 2015",
        "wrong targeting criteria used; results not always recorded",
        "Each recommendation carries model version, feature hash and ledger position. An exam without a recorded "
        "result teaches nothing; if such gaps are not by chance, the figures above are off.",
    ),
    PublishedRisk(
        "OIG-20-34, 2020",
        "138 of 309 air cargo referrals not resolved before loading",
        "Not answered by a model; a pending exam is unlabelled.",
    ),
    PublishedRisk(
        "GAO-17-84, 2017",
        "the CTPAT portal altered certification dates; member exam rates could not be shown lower",
        "A trader's status is kept with the day from which it held and the day it became known; features read what was "
        "known that morning. Trusted traders are a segment of the backtest.",
    ),
    PublishedRisk(
        "GAO-17-606 and GAO-20-229R, 2017",
        "advance data missing for about half of mail; pilots had no targets",
        "A field that is not filled is information to the boosters, never an error or a zero.",
    ),
    PublishedRisk(
        "World Bank and CESifo working paper 8371, 2020",
        "frauds are seen only where somebody inspects",
        "Examined shipments are weighted by the inverse of their chance to be examined, where it is known; for how "
        "many it is not stands under Data.",
    ),
)
"""Points that speak of targeting models, in the order of the card."""

_AGENCY = "Not known to the program: for the agency to fill in."

INVENTORY = {
    "hi_testing_conducted": "Yes: the figures above, on days after training; `riskscore backtest` for more.",
    "hi_assessment_completed": _AGENCY,
    "hi_potential_impacts": "An exam delays cargo and costs its importer: up to 3 days and 500 USD for imaging, 5 to "
    "15 days and 800 to 5,000 USD or more for a full unload (trade press). A miss lets a hazard in.",
    "hi_independent_review": _AGENCY,
    "hi_ongoing_monitoring": "The random floor measures lift and calibration on every day that it is worked.",
    "hi_training_established": _AGENCY,
    "hi_failsafe_presence": "An officer decides; must-exam rules and the random floor hold whatever the model says; "
    "a model that fails verification is not loaded.",
    "hi_appeal_process": _AGENCY,
    "hi_public_consultation": _AGENCY,
}
"""Questions of the inventory to a high-impact use, and what the program can answer."""

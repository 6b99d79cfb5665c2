"""The tables, declared once: type, unit, null meaning, rule and source of every column.

Validation, the ledger, the published Parquet, the documentation and the test data all derive from here.
Times are UTC. Money is US dollars. Null is information: `null_meaning` says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from riskscore import reference
from riskscore.reference.reviews import DECISIONS, disagreements, review_codes

if TYPE_CHECKING:
    import pyarrow as pa

ColumnType = Literal["text", "int", "float", "date", "timestamp", "bool"]

MODES = ("ocean", "air", "truck", "rail", "mail", "express")
ACTIONS = ("new", "amended", "deleted")
ARMS = ("must_exam", "risk", "random_floor", "novelty", "none")
SELECTED_BY = (*ARMS, "legacy", "random", "census", "other")
DRAWN_BY = ("random_floor", "random", "census")
"""Those of SELECTED_BY that are lotteries which know nothing of the risk."""

ROLES = ("importer", "consignee", "shipper", "manufacturer", "carrier", "filer")
ROLES_WITH_ADDRESS = ("importer", "consignee", "shipper", "manufacturer")
PARTIES = tuple(f"{role}_id" for role in ROLES)

POST_ENTRY_EVENTS = ("cf28", "cf29", "protest", "post_summary_correction")
"""Request for information, notice of action (19 CFR 152.2), protest (19 USC 1514), post-summary correction."""

# Longer identifiers are damage, not data; longer texts are attacks on whoever renders them.
MAX_CODE_LENGTH = 200
MAX_TEXT_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it holds and which values are refused.

    A value outside `choices`, `minimum` or `maximum` sends its row to quarantine. A value that does not match
    `pattern` is a finding: counted, kept, never a reason to lose the row.
    """

    name: str
    type: ColumnType
    meaning: str
    null_meaning: str = "not stated in the feed"
    unit: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    max_length: int = MAX_CODE_LENGTH
    source: str = ""


@dataclass(frozen=True, slots=True)
class RowRule:
    """What columns of one row must agree on: a row for which `test` (SQL over the typed columns) holds is refused.

    `column` should then have been `expected`. A column with a fault of its own is reported for that alone, so `test`
    must not hold there.
    """

    column: str
    test: str
    expected: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns in order, the key that names a fact, and the column that dates our knowledge of it."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    known: str
    rules: tuple[RowRule, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        """The column called `name`; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _party(role: str) -> tuple[Column, Column]:
    return (
        Column(f"{role}_id", "text", f"identifier of the {role}", "party not stated", source="manifest or entry"),
        Column(
            f"{role}_name",
            "text",
            f"name of the {role} as declared",
            "not given, or lawfully withheld (19 USC 1431(c))",
            max_length=MAX_TEXT_LENGTH,
            source="manifest or entry",
        ),
    )


def _address(role: str) -> Column:
    return Column(
        f"{role}_address",
        "text",
        f"address of the {role} as declared",
        "not given, or lawfully withheld (19 USC 1431(c))",
        max_length=MAX_TEXT_LENGTH,
        source="manifest, entry or ISF",
    )


def _amount(name: str, meaning: str, unit: str, null_meaning: str = "not declared") -> Column:
    return Column(name, "float", meaning, null_meaning, unit=unit, minimum=0, maximum=1e12)


_COUNTRY = r"^[A-Z]{2}$"

SHIPMENTS = Table(
    "shipments",
    key=("shipment_id", "version"),
    known="filed_at",
    columns=(
        Column("shipment_id", "text", "bill of lading line, entry line or parcel", required=True),
        Column("version", "int", "0 for the first filing, then 1, 2, ...", "0", minimum=0, maximum=1_000_000),
        Column("action", "text", "what this version does to the shipment", "new", choices=ACTIONS),
        Column("filed_at", "timestamp", "when the version was filed", "filed in time for its arrival", unit="UTC"),
        Column("arrival_date", "date", "day of arrival at the port", required=True),
        Column("mode", "text", "mode of transport", required=True, choices=MODES, source="mode_of_transport.csv"),
        Column("port", "text", "port of unlading: Schedule D, or the feed's own office code", required=True),
        Column("entry_type", "text", "type of entry", pattern=r"^\d{2}$", source="entry_types.csv"),
        *(column for role in ROLES for column in _party(role)),
        Column("origin_country", "text", "country of origin", unit="ISO 3166 alpha-2", pattern=_COUNTRY),
        Column("export_country", "text", "country of export", unit="ISO 3166 alpha-2", pattern=_COUNTRY),
        Column("foreign_port", "text", "foreign port of lading", unit="Schedule K", pattern=r"^\d{5}$"),
        Column("hts", "text", "tariff number without dots", "goods not classified", pattern=r"^\d{4,10}$"),
        Column("description", "text", "goods in the filer's words", max_length=MAX_TEXT_LENGTH),
        _amount("value_usd", "declared customs value", "USD"),
        _amount("weight_kg", "gross weight", "kg"),
        _amount("quantity", "number of units", "see quantity_unit"),
        Column("quantity_unit", "text", "unit of quantity", source="HTS unit of quantity"),
        _amount("duty_rate_pct", "ad valorem duty rate", "%"),
        Column("duty_regime", "text", "duty regime or tax type of the feed"),
        Column(
            "container_ids",
            "text",
            "container numbers, separated by ';'",
            "not containerised or not stated",
            max_length=MAX_TEXT_LENGTH,
            source="ISO 6346",
        ),
        Column("seal_ids", "text", "seal numbers, separated by ';'", "no seal stated", max_length=MAX_TEXT_LENGTH),
        Column("preference_program", "text", "special programme indicator (SPI)", "no preference claimed"),
        Column("bond_type", "text", "0 none, 8 continuous, 9 single transaction", source="bonds.csv"),
        Column("in_bond", "bool", "moves in bond"),
        Column(
            "pga_flags", "text", "partner agency flags, separated by ';'", "no flag", source="pga_flags_partial.csv"
        ),
        *(_address(role) for role in ROLES_WITH_ADDRESS),
        Column("conveyance_id", "text", "IMO number of the vessel; flight, truck or rail car otherwise"),
        Column(
            "isf_filed_at",
            "timestamp",
            "when the Importer Security Filing was filed",
            "none filed, or not ocean",
            unit="UTC",
            source="19 CFR 149.2",
        ),
        Column("laden_at", "timestamp", "when the goods were laden aboard at the foreign port", unit="UTC"),
        Column(
            "wood_packaging", "bool", "packed in or on solid wood (crates, pallets, dunnage)", source="7 CFR 319.40-3"
        ),
    ),
)
"""Grain: one version of one bill of lading line, entry line or parcel."""

TRADERS = Table(
    "traders",
    key=("trader_id", "valid_from"),
    known="known_at",
    columns=(
        Column("trader_id", "text", "identifier used in the shipments' party columns", required=True),
        Column("name", "text", "registered name", max_length=MAX_TEXT_LENGTH),
        Column("country", "text", "country of registration", unit="ISO 3166 alpha-2", pattern=_COUNTRY),
        Column("role", "text", "main role of the trader"),
        Column(
            "ctpat_tier",
            "int",
            "CTPAT tier: 1 certified, 2 validated, 3 exceeds",
            "0: not tiered",
            minimum=0,
            maximum=3,
            source="ctpat_tiers.csv",
        ),
        Column(
            "ctpat_status",
            "text",
            "standing in CTPAT",
            "not a member",
            choices=("member", "certified", "validated", "suspended", "removed", "withdrawn", "none"),
        ),
        Column("isa_member", "bool", "Importer Self-Assessment member (until 2020-02)", "not known to be"),
        Column("ctpat_trade_compliance", "bool", "CTPAT Trade Compliance member (from 2020-03)", "not known to be"),
        Column("aeo_programme", "text", "recognised foreign programme", "none", source="mutual_recognition.csv"),
        Column(
            "center", "text", "Center of Excellence and Expertise", "not assigned", source="centers_of_excellence.csv"
        ),
        Column("valid_from", "date", "first day the status holds", required=True),
        Column("valid_to", "date", "last day the status holds, inclusive", "still holds"),
        Column("known_at", "timestamp", "when the status became known to us", "time of ingestion", unit="UTC"),
    ),
)
"""Bitemporal: when a status held (valid_from to valid_to) and when we knew (known_at)."""

OUTCOMES = Table(
    "outcomes",
    key=("shipment_id", "exam_type", "exam_date", "hazard"),
    known="known_at",
    columns=(
        Column("shipment_id", "text", "shipment examined", required=True),
        Column(
            "exam_type",
            "text",
            "exam performed",
            "no exam",
            pattern=f"^({'|'.join(reference.exams())})$",
            source="exam_visibility.csv",
        ),
        Column("exam_date", "date", "day of the exam", required=True),
        Column("result", "text", "what came of it", required=True, choices=reference.results(), source="outcomes.csv"),
        Column(
            "hazard",
            "text",
            "hazard the result speaks of",
            "a clear result: every hazard the exam can see; a hit: the record does not say which",
            choices=reference.hazards(),
            source="hazards.csv",
        ),
        _amount("amount_usd", "revenue recovered, duty billed or domestic value seized", "USD", "not recorded"),
        Column("known_at", "timestamp", "when the result became known to us", "time of ingestion", unit="UTC"),
        Column("waiver_code", "text", "category of a waiver", "not waived"),
        Column("waiver_text", "text", "articulable reason of a waiver", "none given", max_length=MAX_TEXT_LENGTH),
        Column("selected_by", "text", "who or what chose the exam", "unknown", choices=SELECTED_BY),
        Column(
            "inclusion_probability",
            "float",
            "chance the design gave this exam",
            "unknown: weight 1, flagged",
            unit="probability",
            minimum=0,
            maximum=1,
        ),
    ),
)
"""One finding of one exam about one hazard; not examined and waived are unlabelled, never negative."""

POST_ENTRY = Table(
    "post_entry",
    key=("shipment_id", "event", "event_date"),
    known="known_at",
    columns=(
        Column("shipment_id", "text", "shipment whose entry the event concerns", required=True),
        Column("event", "text", "what happened to the entry", required=True, choices=POST_ENTRY_EVENTS),
        Column("event_date", "date", "day of the event", required=True),
        Column("status", "text", "where it stands", "open", choices=("open", "closed", "withdrawn")),
        _amount("amount_usd", "duty, tax or fee that the event claims or corrects", "USD", "not recorded"),
        Column("known_at", "timestamp", "when the event became known to us", "time of ingestion", unit="UTC"),
    ),
)
"""One event in the life of an entry after release; the latest word known wins, a withdrawn one counts no more."""

REVIEWS = Table(
    "reviews",
    key=("shipment_id", "run_date"),
    known="known_at",
    columns=(
        Column("shipment_id", "text", "shipment decided about", required=True),
        Column("run_date", "date", "day of the run whose recommendation it is about", required=True),
        Column("decision", "text", "what was decided", required=True, choices=DECISIONS, source="review_codes.csv"),
        Column(
            "code",
            "text",
            "why, of the closed list of its decision",
            required=True,
            choices=tuple(each.code for each in review_codes()),
            source="review_codes.csv",
        ),
        Column(
            "text",
            "text",
            "why, in the analyst's words",
            "none given; some codes ask for it",
            max_length=MAX_TEXT_LENGTH,
        ),
        Column(
            "exam_type",
            "text",
            "exam to be done instead of what was recommended",
            "the decision names no exam",
            choices=reference.exams(),
            source="exam_visibility.csv",
        ),
        Column("run_id", "text", "run that the analyst looked at", "a run of that day, not said which"),
        Column("decided_by", "text", "who decided", required=True),
        Column("known_at", "timestamp", "when it was decided", "time of ingestion", unit="UTC"),
    ),
    rules=tuple(RowRule(*rule) for rule in disagreements()),
)
"""One decision of an analyst about one day's recommendation; all are kept, the latest word known counts."""

INGESTED = {table.name: table for table in (SHIPMENTS, TRADERS, OUTCOMES, POST_ENTRY, REVIEWS)}


@cache
def recommendations_schema() -> pa.Schema:
    """Arrow schema of the published recommendations: one row per live shipment arriving on the run's day.

    The run date lives in the path only. `expected_harm_usd` is probability times severity, summed over the learned
    hazards; one without a model of its own counts with its share of `any`, and the sum is null only where the model
    has no severity. `programme_credit` is what trust took off `risk_score` before the ranking; `stratum` that of the
    random floor. A hazard without a model is null in `hazard_scores`.
    """
    import pyarrow as pa

    chances = pa.struct([(exam, pa.float64()) for exam in reference.exams()])
    hazard_scores = pa.struct([(hazard, pa.float64()) for hazard in reference.hazards()])
    reason = pa.struct(
        [("concept", pa.string()), ("direction", pa.string()), ("contribution", pa.float64()), ("text", pa.string())]
    )
    return pa.schema(
        [
            ("run_id", pa.string()),
            ("shipment_id", pa.string()),
            ("version", pa.int64()),
            ("port", pa.string()),
            ("center", pa.string()),
            ("recommendation", pa.string()),
            ("exam_type", pa.string()),
            ("arm", pa.string()),
            ("rule_id", pa.string()),
            ("inclusion_probability", pa.float64()),
            ("exam_probabilities", chances),
            ("risk_score", pa.float64()),
            ("expected_harm_usd", pa.float64()),
            ("hazard_scores", hazard_scores),
            ("programme_credit", pa.float64()),
            ("priority", pa.int64()),
            ("reasons", pa.list_(reason)),
            ("model_version", pa.string()),
            ("feature_hash", pa.string()),
            ("ledger_seq", pa.int64()),
            ("scored_at", pa.timestamp("us", tz="UTC")),
            ("stratum", pa.string()),
        ]
    )

"""riskscore.toml as frozen, validated values. Each key is documented where it is declared, and in template.toml."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from datetime import date
from importlib.resources import files
from itertools import combinations
from pathlib import Path  # noqa: TC003 - pydantic resolves the annotation at run time
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from riskscore import reference
from riskscore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

Share = Annotated[float, Field(ge=0, le=1)]
Operator = Literal["eq", "ne", "in", "not_in", "ge", "gt", "le", "lt", "is_null", "not_null"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Capacity(_Frozen):
    """Exam slots per port and day."""

    default_share: Share = 0.05
    """Slots of a port without a number of its own, as a share of its live arrivals of the day (rounded up)."""
    ports: dict[str, Annotated[int, Field(ge=0)]] = {}
    """Slots per day by port code; 0 = no exam capacity: the port is named in the run record, never sampled."""
    exams: dict[str, dict[str, Annotated[int, Field(ge=0)]]] = {}
    """Exams of one kind a port can hold per day, within its slots: port code -> exam -> number; an exam that is not
    named is bound by the slots alone. The port code "*" speaks of every port without an entry of its own."""
    minutes: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Inspector minutes per day by port code; no entry = not limited. Minutes of an exam: [exams]."""
    carry_over_days: Annotated[int, Field(ge=0)] = 2
    """Days for which a must-exam that found no slot is carried over: it comes before those of the day. 0 = never."""

    @field_validator("exams")
    @classmethod
    def _known_exams(cls, value: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        for limits in value.values():
            for exam in limits:
                _one_of(exam, reference.exams(), "exam")
        return value


class Exam(_Frozen):
    """What one exam takes."""

    minutes: Annotated[float, Field(gt=0)] = 60.0
    """Inspector minutes."""
    cost_usd: Annotated[float, Field(ge=0)] = 0.0
    """What it costs the authority, in USD; weighed by the objective `blend` and shown in the standing figures."""


class Blend(_Frozen):
    """What the objective `blend` maximises: the sum of these, each times its weight."""

    hits: float = 0.0
    """Weight of an expected find (chance that the exam finds anything), in USD."""
    harm: float = 1.0
    """Weight of expected harm found, per USD."""
    revenue: float = 0.0
    """Weight of expected harm found of the revenue hazards, on top of `harm`, per USD."""
    cost: float = 0.0
    """Weight of the exam's cost_usd, taken off, per USD."""


class Credits(_Frozen):
    """Programme credit: what a trusted importer's risk is lowered by, as a share of `high_risk_threshold`."""

    tier_1: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    """CTPAT tier 1: at most 0.2, the statute's cap (6 USC 964)."""
    tier_2: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """CTPAT tier 2: no cap in the statute (6 USC 965)."""
    tier_3: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """CTPAT tier 3: no cap in the statute (6 USC 966)."""


class Selection(_Frozen):
    """How slots are used."""

    seed: int = 20260101
    """Seed of every random draw. Keep your own secret: who knows it can predict the random floor."""
    floor_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of each port's slots drawn at random among all shipments that targeting left over."""
    floor_proportional: Share = 0.5
    """Share of the floor that follows the numbers of shipments; the rest is shared alike by the strata of a port
    (trusted or not, known or new pairing), so that small strata are seen too."""
    drift_floor_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """floor_share on a day when recent random exams found more than the scores foretold; never below floor_share."""
    novelty_share: Share = 0.0
    """Share of each port's slots drawn among shipments with new pairings, the newer and riskier the likelier."""
    floor_exam: str = "intensive"
    """Exam of a random pick: the one that sees most, so that its result speaks of most hazards."""
    objective: Literal["hits", "harm", "revenue", "blend"] = "hits"
    """What the ranked slots maximise: expected finds; USD of expected harm found, or of revenue hazards; or `blend`."""
    blend: Blend = Blend()
    high_risk_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    """A shipment whose risk less its programme credit reaches this is always examined (arm must_exam)."""
    programme_credits: Credits = Credits()
    trial: str = ""
    """Alias or version of the model on trial: ranked slots on which it and the champion disagree are tossed for;
    empty = no trial."""

    @field_validator("floor_exam")
    @classmethod
    def _known_exam(cls, value: str) -> str:
        return _one_of(value, reference.exams(), "exam")


class Condition(_Frozen):
    """One test of a rule, or several put together; docs/rules.md says what each operator means.

    Either `column` and `op` (and what the operator compares with), or one of `any_of`, `all_of`, `none_of`.
    """

    column: str = ""
    """A shipments column, a feature, or a score: risk_score, score_<hazard>."""
    op: Operator | Literal["contains", "starts_with", "has", "in_list"] | None = None
    value: str | float | bool | list[str] | list[float] | None = None
    list_: Annotated[str, Field(alias="list", pattern=r"^([a-z0-9][a-z0-9_-]{0,63})?$")] = ""
    """With in_list: the watch-list, watch_lists/<list>.csv of the workspace."""
    any_of: tuple[Condition, ...] = ()
    all_of: tuple[Condition, ...] = ()
    none_of: tuple[Condition, ...] = ()

    model_config = ConfigDict(serialize_by_alias=True)

    @field_validator("value", mode="before")
    @classmethod
    def _day_as_text(cls, value: object) -> object:
        """A TOML date as the text it is compared as, so that the recorded configuration reads back the same."""
        if isinstance(value, list):
            return [cls._day_as_text(item) for item in value]
        return value.isoformat() if isinstance(value, date) else value

    @field_validator("value")
    @classmethod
    def _finite(cls, value: object) -> object:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, float) and not math.isfinite(item):
                message = f"expected a finite number, got {item}"
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _one_form(self) -> Condition:
        groups = [name for name in ("any_of", "all_of", "none_of") if getattr(self, name)]
        test = bool(self.column or self.op or self.list_) or self.value is not None
        if len(groups) > 1 or (groups and test) or not (groups or (self.column and self.op)):
            message = "expected column and op, or else one of any_of, all_of and none_of, with conditions in it"
            raise ValueError(message)
        if (self.op == "in_list") != bool(self.list_):
            message = 'op = "in_list" and list = "NAME" go together'
            raise ValueError(message)
        return self

    @property
    def parts(self) -> tuple[Condition, ...]:
        """The conditions of a group; empty for a test of one column."""
        return self.any_of or self.all_of or self.none_of


class MustExam(_Frozen):
    """A must-exam rule: all conditions hold -> the shipment is examined before any risk pick.

    A rule that changes gets a new entry with the same id and the next version, valid from the day after the older one
    expires: what was in force on a day stays readable.
    """

    id: Annotated[str, Field(min_length=1, max_length=100)]
    version: Annotated[int, Field(ge=1)] = 1
    """Counts the texts that a rule has had."""
    exam: str
    owner: str
    reason: str
    where: Annotated[tuple[Condition, ...], Field(min_length=1)]
    valid_from: date | None = None
    """First day the rule applies; null = always has."""
    expires: date | None = None
    """Last day the rule applies, inclusive; null = no end."""

    @field_validator("exam")
    @classmethod
    def _known_exam(cls, value: str) -> str:
        return _one_of(value, reference.exams(), "exam")

    @field_validator("id")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value == "high-risk-threshold":
            message = f"{value!r} names the mandatory threshold itself, selection.high_risk_threshold"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _days_in_order(self) -> MustExam:
        if self.valid_from and self.expires and self.expires < self.valid_from:
            message = f"expires {self.expires} lies before valid_from {self.valid_from}"
            raise ValueError(message)
        return self

    def in_force(self, day: date) -> bool:
        """Whether the rule applies on `day`: both ends inclusive; null = open.

        >>> rule = MustExam(id="r", exam="nii", owner="me", reason="why", where=[{"column": "hts", "op": "is_null"}])
        >>> rule.in_force(date(2026, 3, 2))
        True
        """
        return (self.valid_from or date.min) <= day <= (self.expires or date.max)

    def digest(self) -> str:
        """SHA-256 of all that the rule says, as canonical JSON: equal digests are the same text.

        Keys that say nothing (left at their defaults) are left out, so that keys of later versions do not change it.
        """
        said = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @staticmethod
    def require_one_a_day(rules: Sequence[MustExam]) -> None:
        """Refuse two rules of one id in force on the same day, or of one id and version: which is meant?

        Raises:
            ValueError: there are such rules; all are named.
        """
        pairs = [pair for pair in combinations(rules, 2) if pair[0].id == pair[1].id]
        faults = [fault for one, other in pairs if (fault := one._clash(other))]  # noqa: SLF001 - its own class
        if faults:
            raise ValueError("; ".join(faults))

    def _clash(self, other: MustExam) -> str:
        if self.version == other.version:
            return f"rule ids must be unique in each version, got version {self.version} of {self.id!r} twice"
        first = max(rule.valid_from or date.min for rule in (self, other))
        both = first <= min(rule.expires or date.max for rule in (self, other))
        return f"versions {self.version} and {other.version} of rule {self.id!r} overlap from {first}" if both else ""


class Model(_Frozen):
    """How boosters are trained."""

    trees: Annotated[int, Field(ge=1)] = 150
    """Boosting rounds at most; early stopping on later days may end sooner."""
    leaves: Annotated[int, Field(ge=2)] = 15
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    min_leaf_rows: Annotated[int, Field(ge=1)] = 20
    """Labelled shipments in a leaf at least: smaller ones would learn single shipments by heart."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """Ridge penalty on leaf values. It weighs on rare cases most: 10 cost a ninth of the recall (ADR 0014)."""
    feature_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the features, drawn anew, that each tree may use."""
    random_splits: bool = True
    """One random threshold per feature is tried (extremely randomised trees, Geurts 2006): robust with few cases."""
    min_positives: Annotated[int, Field(ge=1)] = 40
    """A hazard with fewer confirmed cases gets no booster; its column in hazard_scores is null."""
    holdout_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.2
    """Share of the latest examined days on which the booster is stopped and evaluated before it is fitted on all."""
    max_weight: Annotated[float, Field(ge=1)] = 10.0
    """Clip of the inverse inclusion-probability weight in fitting: bounds the variance one rare draw can bring."""
    max_calibration_weight: Annotated[float, Field(ge=1)] = 500.0
    """The same clip in calibration and evaluation: probabilities should speak of all shipments, so it is wide."""
    settled_after_days: Annotated[int, Field(ge=0)] = 60
    """Days after an exam by which its result is usually known; newer labels are corrected for those still to come."""
    half_life_days: Annotated[float, Field(ge=0)] = 0.0
    """A labelled shipment weighs half as much when it arrived this many days earlier; 0 = all alike."""
    seed: int = 7


class Registry(_Frozen):
    """Where model versions are registered."""

    tracking_uri: str = ""
    """MLflow tracking URI; empty = mlflow.db (sqlite) in the workspace."""
    model_name: str = "riskscore"


class Kcs(_Frozen):
    """Assumptions for the Korean declarations (--format kcs), which carry neither of these."""

    krw_per_usd: Annotated[float, Field(gt=0)] = 1180.0
    """Fixed rate: about the 2020 average of the won."""
    known_after_days: Annotated[int, Field(ge=0)] = 14
    """Days from a declaration to the day its label becomes known."""


class Config(_Frozen):
    """The whole of riskscore.toml."""

    timezone: str = "UTC"
    """Zone of the morning cut-off, 00:00 of the run date."""
    capacity: Capacity = Capacity()
    exams: dict[str, Exam] = {}
    """What an exam takes, by exam; one that is not named has the defaults of Exam."""
    selection: Selection = Selection()
    model: Model = Model()
    registry: Registry = Registry()
    kcs: Kcs = Kcs()
    must_exam: tuple[MustExam, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            message = f"unknown time zone {value!r}"
            raise ValueError(message)
        return value

    @field_validator("exams")
    @classmethod
    def _known_exams(cls, value: dict[str, Exam]) -> dict[str, Exam]:
        for exam in value:
            _one_of(exam, reference.exams(), "exam")
        return value

    @field_validator("must_exam")
    @classmethod
    def _one_version_a_day(cls, value: tuple[MustExam, ...]) -> tuple[MustExam, ...]:
        MustExam.require_one_a_day(value)
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the morning cut-off."""
        return ZoneInfo(self.timezone)

    def canonical(self) -> str:
        """The configuration as canonical JSON, as recorded with each run."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """SHA-256 of the canonical JSON.

        >>> Config().digest() == Config(timezone="UTC").digest()
        True
        """
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def _one_of(value: str, choices: tuple[str, ...], what: str) -> str:
    if value not in choices:
        message = f"unknown {what} {value!r}, expected one of {', '.join(choices)}"
        raise ValueError(message)
    return value


def template() -> str:
    """The commented riskscore.toml that `riskscore init` writes; it spells out every default."""
    return files("riskscore").joinpath("template.toml").read_text(encoding="utf-8")


def load(path: Path) -> Config:
    """Read riskscore.toml.

    Raises:
        ConfigError: the file is absent, is no TOML, or holds unknown keys or values out of range; all
            faults are named at once.
    """
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError("no riskscore.toml", where=str(path), fix="run riskscore init") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not readable as TOML: {error}", where=str(path)) from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigError(faults, where=str(path), fix="see the comments in riskscore.toml") from None

"""riskscore.toml as frozen, validated values. Each key is documented where it is declared, and in template.toml."""

from __future__ import annotations

import hashlib
import json
import tomllib
from datetime import date
from importlib.resources import files
from pathlib import Path  # noqa: TC003 - pydantic resolves the annotation at run time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from riskscore import reference
from riskscore.errors import ConfigError

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


class Selection(_Frozen):
    """How slots are used."""

    seed: int = 20260101
    """Seed of every random draw. Keep your own secret: who knows it can predict the random floor."""
    floor_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of each port's slots drawn at random among all shipments that targeting left over."""
    floor_exam: str = "intensive"
    """Exam of a random pick: the one that sees most, so that its result speaks of most hazards."""
    trial: str = ""
    """Alias or version of the model on trial: ranked slots on which it and the champion disagree are tossed for;
    empty = no trial."""

    @field_validator("floor_exam")
    @classmethod
    def _known_exam(cls, value: str) -> str:
        return _one_of(value, reference.exams(), "exam")


class Condition(_Frozen):
    """One test of a rule: a shipments column or feature, an operator, and the value it is held against."""

    column: str
    op: Operator
    value: str | float | bool | list[str] | list[float] | None = None


class MustExam(_Frozen):
    """A must-exam rule: all conditions hold -> the shipment is examined before any risk pick."""

    id: str
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

    @field_validator("must_exam")
    @classmethod
    def _unique_rules(cls, value: tuple[MustExam, ...]) -> tuple[MustExam, ...]:
        ids = [rule.id for rule in value]
        if len(set(ids)) < len(ids):
            message = f"rule ids must be unique, got {ids}"
            raise ValueError(message)
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

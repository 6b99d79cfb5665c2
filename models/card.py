"""The model card, as Markdown: what a model is for, what it learned from, how good it is, and what nobody knows.

Everything in it is read from the bundle: the same model gives the same card. The form follows Mitchell et al., "Model
Cards for Model Reporting" (2019). The program does not know who trained a model or who approved it, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from riskscore import reference
from riskscore.models.labels import ANY, targets
from riskscore.models.published_risks import INVENTORY, RISKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from riskscore.models.trained import TrainedBooster, TrainedModel

_UNKNOWN = "not known"

# The share of shipments at which the card speaks of precision and recall: the middle of what a unit examines.
_SHARE = "0.05"

_USE = """\
For a customs targeting unit that can examine a few shipments in a hundred: to rank the shipments arriving on a day by
the chance that an exam of the kind held so far finds something, and to choose exams under each port's capacity,
together with must-exam rules and a random floor. A person decides on each exam.

**Not to be used**

- to decide alone: not to refuse, seize, fine or release cargo, nor to suspend a trader from a programme;
- as evidence that a shipment is unlawful, or that one with a low score is not;
- to rate traders, persons or countries: it scores shipments;
- on shipments whose features were made by other builders or another version of them (the feature hash must agree);
- for hazards without a model, listed below: a missing score is not a low one;
- on days before its as-of morning: it has learned what happened then."""

_LIMITS = """\
- Labels exist only where somebody looked. Weights correct for logged chances of an exam; for the rest the figures speak
  of shipments like those examined, not of all.
- A label is what an exam found, not what was there. What an exam finds is an assumption of low confidence
  (reference/exam_visibility.csv): of {pairs} pairs of an exam and a hazard that it can see, {weak} are assumed to be
  found less than half of the time. More is there than the probabilities say, by as much.
- A clean exam clears only the hazards that it can see, but `any` counts it as clean whatever it could see.
- Where the ledger holds a simulated country, every figure speaks of the simulation. The program cannot tell one from a
  real country.
- The intervals are of one window of days; they say nothing of a world that has changed since.
- Calibration is two numbers per target, fitted to the confirmed cases of a few days."""


def card(
    trained: TrainedModel, digest: str = "", segments: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
) -> str:
    """The card of a model.

    Args:
        trained: the model.
        digest: of its bundle, when it was saved.
        segments: by name of the segmentation, such as "port", a list of rows; each row gives a table line, its keys
            are the columns. A backtest makes them; without one the card says that there are none.

    Returns:
        Markdown, ending in a newline.
    """
    parts = {
        f"Model card: riskscore, {len(trained.boosters)} targets": _identity(trained, digest),
        "Intended use": _USE,
        "Data": _data(trained.training),
        "Features": _features(trained),
        "Training": _training(trained.training),
        "Figures on later days": _figures(trained.boosters),
        "Calibration": _calibration(trained.boosters),
        "Segments": _segments(segments or {}),
        "Hazards without a model": _missing(trained),
        "Expected harm": _harm(trained),
        "Limits": _limits(),
        "What CBP and its auditors have published": _published(),
        "Not known to the program": "Who trained this model, who reviewed and approved it, who is told of its use, and "
        "whether the log holds all that happened.",
    }
    levels = ["#", *["##"] * (len(parts) - 1)]
    return (
        "\n\n".join(f"{level} {title}\n\n{text}" for level, (title, text) in zip(levels, parts.items(), strict=True))
        + "\n"
    )


def _identity(trained: TrainedModel, digest: str) -> str:
    facts = {
        "digest of the bundle": digest or _UNKNOWN,
        "feature hash": trained.feature_hash,
        "may score from the morning of": trained.training.get("as_of"),
        "targets": ", ".join(trained.boosters),
    }
    return _facts(facts)


def _data(training: Mapping[str, Any]) -> str:
    windows = [
        {"part": part, "first arrival": window.get("first"), "last": window.get("last"), "days": window.get("days")}
        for part, window in sorted(training.get("days", {}).items(), key=lambda item: str(item[1].get("first")))
    ]
    facts = {
        "labelled shipments": training.get("rows"),
        "of them with no known chance of an exam (weight 1)": training.get("uncorrected"),
        "labels without a shipment": training.get("labels_without_features"),
        "last day on which a label became known": training.get("latest_known"),
        "digest of the labels": training.get("labels_digest"),
    }
    policy = f"Label policy: {training.get('label_policy', _UNKNOWN)}. An unexamined shipment is unlabelled, always."
    return "\n\n".join([_table(windows), _facts(facts | _sorted(training.get("provenance", {}))), policy])


def _features(trained: TrainedModel) -> str:
    kinds = [feature.kind for feature in trained.features]
    count = f"{len(kinds)} columns, {kinds.count('categorical')} of them categorical"
    return f"{count}; `riskscore features` describes each. Ordered list under hash `{trained.feature_hash}`."


def _training(training: Mapping[str, Any]) -> str:
    settings = {f"`{name}`": value for name, value in sorted(training.get("settings", {}).items())}
    return _facts(
        {"kind": "gradient-boosted trees (LightGBM), one booster per target"}
        | settings
        | _sorted(training.get("libraries", {}))
    )


def _figures(boosters: Mapping[str, TrainedBooster]) -> str:
    note = (
        "Of the labelled shipments of the part `evaluate`, by boosters that had seen none of them; the boosters that "
        "score have then learned from these days too. 95 % intervals in brackets; precision, recall and lift among the "
        f"{float(_SHARE):.0%} with the highest scores, ties at random."
    )
    return f"{note}\n\n{_table([_figures_of(name, booster.evaluation) for name, booster in boosters.items()])}"


def _figures_of(target: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    top = figures.get("top", {}).get(_SHARE, {})
    return {
        "target": target,
        "rows": figures.get("rows"),
        "positives": figures.get("positives"),
        "AUC": _interval(figures, "auc", "auc"),
        "precision": _interval(top, "precision_random", "precision"),
        "recall": _interval(top, "recall_random", "recall"),
        "lift": top.get("lift"),
        "log loss": figures.get("log_loss"),
    }


def _calibration(boosters: Mapping[str, TrainedBooster]) -> str:
    rows = [
        {
            "target": name,
            "mean predicted": booster.evaluation.get("predicted"),
            "share observed": booster.evaluation.get("observed"),
            "predicted / observed": booster.evaluation.get("calibration_ratio"),
        }
        for name, booster in boosters.items()
    ]
    return f"Weighted, on the same days.\n\n{_table(rows)}"


def _segments(segments: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    if not segments:
        return (
            "None were given. `riskscore backtest` makes them: per port, Center, tier, mode, hazard and importer size."
        )
    return "\n\n".join(f"By {name}:\n\n{_table(rows)}" for name, rows in segments.items())


def _missing(trained: TrainedModel) -> str:
    reasons = {
        name: figures.get("no_booster_because") or "no labels"
        for name, figures in trained.training.get("targets", {}).items()
    }
    absent = [name for name in targets() if name != ANY and name not in trained.boosters]
    lines = [f"{name}: {reasons.get(name, 'no labels')}" for name in absent]
    return _list(
        [*lines, *(f"{name}: rules only, by decision: it has no usable labels" for name in reference.RULE_ONLY_HAZARDS)]
    )


def _harm(trained: TrainedModel) -> str:
    if trained.severity is None:
        return "This model has no severities."
    rows = [
        {"hazard": name, "USD per case": one.flat_usd, "USD per USD declared": one.per_usd, "amounts": one.cases,
         "of it assumed": one.prior_weight}
        for name, one in trained.severity.hazards.items()
    ]  # fmt: skip
    return f"Probability times severity; where 'of it assumed' is near 1, a working assumption.\n\n{_table(rows)}"


def _limits() -> str:
    seen = [chance for chance in reference.sensitivity().values() if chance > 0]
    return _LIMITS.format(weak=sum(chance < 0.5 for chance in seen), pairs=len(seen))


def _published() -> str:
    risks = [{"source": risk.source, "published": risk.said, "this model": risk.answer} for risk in RISKS]
    questions = [{"question": f"`{name}`", "answer": answer} for name, answer in INVENTORY.items()]
    said, asked = "Gathered from excerpts of the documents.", "The inventory's questions to a high-impact use:"
    return "\n\n".join([said, _table(risks), asked, _table(questions)])


def _interval(figures: Mapping[str, Any], value: str, bounds: str) -> str:
    low, high = figures.get(f"{bounds}_low"), figures.get(f"{bounds}_high")
    if figures.get(value) is None or low is None or high is None:
        return _cell(figures.get(value))
    return f"{figures[value]:.3f} [{low:.3f}, {high:.3f}]"


def _facts(facts: Mapping[str, Any]) -> str:
    return _list(f"{name}: {_cell(value)}" for name, value in facts.items())


def _sorted(facts: Mapping[str, Any]) -> dict[str, Any]:
    """By name: a manifest that was written and read again has lost the order of its making."""
    return dict(sorted(facts.items()))


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return f"({_UNKNOWN})"
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    r"""A value as text that cannot end its table cell.

    >>> _cell(None), _cell(0.12345), _cell("a|b")
    ('not known', '0.1235', 'a\\|b')
    """
    if value is None:
        return _UNKNOWN
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")

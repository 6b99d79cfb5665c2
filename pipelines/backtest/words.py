"""What a national audit office asks of a targeting model, answered in plain words from the figures.

Does it work, how sure are we, on whom does it fall, and what could not be measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from riskscore.pipelines.backtest.figures import MAIN_SHARE, TOP
from riskscore.pipelines.backtest.numbers import SMALL_GROUP, between, dollars, percent, rests_on, times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from riskscore.models.estimates import Estimate
    from riskscore.models.gate import Finding
    from riskscore.pipelines.backtest.numbers import Numbers, Place, Writer

    Origins = Sequence[Mapping[str, Any]]

_SHARE = percent(MAIN_SHARE)


def answers(
    numbers: Numbers, origins: Origins, checks: Sequence[Finding], facts: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Question and answer, in the order they are asked."""
    said = [
        ("Does it work?", _works(numbers)),
        ("How sure are we?", _sure(numbers, origins, checks)),
        ("On whom does it fall?", _falls(numbers)),
        ("What could not be measured?", _unknown(numbers, origins, facts)),
    ]
    # A number and its unit stay on one line.
    return [(question, answer.replace(" %", "\u00a0%").replace(" USD", "\u00a0USD")) for question, answer in said]


def tiles(numbers: Numbers) -> list[dict[str, str]]:
    """The four figures to remember, each with its interval and what it rests on."""
    top = _best(numbers, f"{TOP}.precision_random")
    over = _best(numbers, f"{TOP}.lift_over_random_floor")
    return [
        _tile(f"hit rate in the top {_SHARE} ({top[0]})", top[1], percent),
        _tile(f"times the hit rate of random exams ({over[0]})", over[1], times),
        _tile("predicted over found, whole population", numbers.at("population.calibration_ratio"), times),
        _tile(
            f"small importers in the top {_SHARE}, against their traffic",
            numbers.at(f"population.{TOP}.burden", kind="importer_size", segment="small"),
            times,
        ),
    ]


def _tile(title: str, figure: Estimate, write: Writer) -> dict[str, str]:
    if not figure.defined:
        return {"title": title, "value": "not measurable", "basis": f"{figure.rows:,} rows"}
    basis = f"95 % interval {between(figure, write)}; {rests_on(figure)}"
    if "importers" in title:
        basis = f"95 % interval {between(figure, write)}; {figure.rows:,} shipments"
    return {"title": title, "value": write(figure.value), "basis": basis}


def _best(numbers: Numbers, figure: str) -> tuple[str, Estimate]:
    """The estimate for everybody where there is one, else the count over examined shipments."""
    everybody = numbers.at(f"population.{figure}")
    return ("estimated", everybody) if everybody.defined else ("counted", numbers.at(f"examined.{figure}"))


def _works(numbers: Numbers) -> str:
    counted = numbers.at(f"examined.{TOP}.precision_random")
    said = [
        _verdict(numbers),
        (
            f"Among examined shipments, the {_SHARE} that the models ranked highest carried something in "
            f"{_with(counted, percent)} of cases, examined shipments as a whole in "
            f"{_with(numbers.at('examined.base_rate'), percent)}, and those drawn at random in "
            f"{_with(numbers.at('random_floor.hit_rate'), percent)}."
        ),
    ]
    everybody = numbers.at(f"population.{TOP}.precision_random")
    if everybody.defined:
        said.append(
            f"Had the models ranked everybody, exams of the top {_SHARE} would have found something in an estimated "
            f"{_with(everybody, percent)}: {_with(numbers.at(f'population.{TOP}.recall_random'), percent)} of all "
            f"there was to find, worth {_with(numbers.at(f'population.{TOP}.harm_usd_random'), dollars)}."
        )
    return " ".join(said)


def _verdict(numbers: Numbers) -> str:
    """Better than chance or not: counted, and estimated for everybody."""
    figure = f"{TOP}.lift_over_random_floor"
    counted, everybody = numbers.at(f"examined.{figure}"), numbers.at(f"population.{figure}")
    said = []
    if counted.defined:
        said.append(f"{times(counted.value)} times as often among examined shipments ({between(counted, times)})")
    if everybody.defined:
        said.append(f"an estimated {times(everybody.value)} times as often among all ({between(everybody, times)})")
    if not said:
        return "Whether it beats chance cannot be said: random exams found nothing to compare with."
    sure = [lift.low > 1 for lift in (counted, everybody) if lift.defined]
    word = "Yes" if all(sure) and len(sure) == 2 else "Probably" if any(sure) else "Not shown to beat chance"
    return f"{word}. Against random exams, those of the top {_SHARE} find something {' and '.join(said)}."


def _with(figure: Estimate, write: Writer) -> str:
    if not figure.defined:
        return "a share that cannot be measured"
    span = between(figure, write)
    return f"{write(figure.value)} ({span})" if span else write(figure.value)


def _sure(numbers: Numbers, origins: Origins, checks: Sequence[Finding]) -> str:
    live, examined, drawn = (sum(row[name] for row in origins) for name in ("live", "examined", "drawn"))
    positives = sum(row["positives"] for row in origins)
    share = percent(examined / live) if live else "-"
    said = [
        (
            f"Figures rest on {examined:,} exams with a result among {live:,} live shipments ({share}), with "
            f"{positives:,} findings; {drawn:,} of these exams were drawn at random, and all that is said of "
            "unexamined shipments hangs on them. Brackets hold 95 % intervals."
        )
    ]
    ratio = numbers.at("population.calibration_ratio")
    if ratio.defined:
        said.append(
            f"Predicted risk is {times(ratio.value)} times what exams find ({between(ratio, times)}; 1 would be true)."
        )
    failed = [check.name for check in checks if not check.passed]
    said.append(
        f"FAILED: {', '.join(failed)}. Do not trust the figures before this is explained."
        if failed
        else "No check found knowledge of the future in what the models learned."
    )
    return " ".join(said)


def _falls(numbers: Numbers) -> str:
    place: Place = {"kind": "importer_size", "segment": SMALL_GROUP}
    traffic = numbers.at(f"population.{TOP}.share_of_traffic", **place)
    top, made = (numbers.at(f"{basis}.share_of_chosen", **place) for basis in (f"population.{TOP}", "examined"))
    burden = numbers.at(f"population.{TOP}.burden", **place)
    said = [
        (
            f"Importers with fewer than 12 shipments in the year before brought {percent(traffic.value)} of the "
            f"traffic. They were {_with(made, percent)} of the exams made, and would be {_with(top, percent)} of the "
            f"top {_SHARE}: {_with(burden, times)} times their share."
        )
    ]
    for kind, word in (("mode", "mode of transport"), ("port", "port"), ("ctpat_tier", "CTPAT group")):
        chosen = {
            name: numbers.at(f"population.{TOP}.share_of_traffic_chosen", kind=kind, segment=name)
            for name in numbers.segments(kind)
        }
        # A group of a few shipments leads any list by luck.
        known = {name: figure for name, figure in chosen.items() if figure.defined and figure.rows >= 100}
        if len(known) > 1:
            most = max(known, key=lambda name: (known[name].value, name))
            said.append(f"Most exposed {word}: {most}, {_with(known[most], percent)} of its shipments.")
    return " ".join(said)


def _unknown(numbers: Numbers, origins: Origins, facts: Mapping[str, Any]) -> str:
    said = ["What nobody examined has no outcome: it is estimated, never taken for clean."]
    if not sum(row["drawn"] for row in origins):
        said.append("No exam was drawn at random, so nothing at all can be said of unexamined shipments.")
    young = sum(not row["mature"] for row in origins)
    if young:
        said.append(
            f"{young} of {len(origins)} periods are young: 95 % of finds take up to {facts['slow_days']} days to "
            "become known, and these periods have had less. Estimates allow for it, counts do not: they will move."
        )
    if refused := [row["origin"].isoformat() for row in origins if not row["trained"]]:
        said.append(f"No model could be trained at {', '.join(refused)}.")
    if uncorrected := sum(row["uncorrected"] for row in origins):
        said.append(
            f"For {uncorrected:,} exams the chance of being chosen is not known; they are left out of estimates."
        )
    learned = set(numbers.targets()) - {"any"}
    said.append(
        f"Hazards with a model of their own: {', '.join(sorted(learned)) or 'none'}; for the others exams have found "
        "too little to learn from."
    )
    said.append("Exams miss things: every figure is about what an exam finds, not about what is there.")
    return " ".join(said)

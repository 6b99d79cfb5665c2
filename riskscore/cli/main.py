"""The commands."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.exceptions import TyperException

from riskscore._version import VERSION
from riskscore.cli.backtest import backtest
from riskscore.cli.decide import decide
from riskscore.cli.explain import explain
from riskscore.cli.options import Files, FormatOption, day_of, open_workspace
from riskscore.cli.oversight import oversight
from riskscore.cli.promote import promote
from riskscore.cli.report import report
from riskscore.cli.terminal import console, progress, table
from riskscore.cli.trial import trial
from riskscore.errors import RiskscoreError
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from riskscore.models.tuning import Tuned

app = typer.Typer(
    name="riskscore",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Score shipments from manifests and trader history, and recommend which to examine.",
)

Feed = Literal["manifest", "traders", "outcomes", "post-entry", "reviews"]
Scenario = Literal["steady", "break", "stealth"]


def main() -> None:
    """Entry point: run the command line, with every expected failure as one line on stderr and exit 1 or 2 (usage)."""
    try:
        # Not standalone: a usage error would be a frame of several lines.
        stop = app(standalone_mode=False)
    except TyperException as error:
        _fail(error.format_message(), error.exit_code)
    except RiskscoreError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    else:
        if stop:
            raise SystemExit(stop)


def _fail(message: str, code: int = 1) -> None:
    if message:  # empty when the help was printed in its place
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"riskscore {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    workspace: Annotated[
        Path, typer.Option(envvar="RISKSCORE_WORKSPACE", help="The workspace, a folder.", metavar="DIR")
    ] = Path("workspace"),
    threads: Annotated[int, typer.Option(min=1, help="Threads to use; no result depends on it.")] = 1,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True)] = False,
) -> None:
    del version
    context.obj = (workspace, threads)


@app.command()
def init(context: typer.Context) -> None:
    """Make a workspace with a commented riskscore.toml.

    Example: riskscore --workspace port-ops init
    """
    root, _ = context.obj
    made = Workspace.create(root)
    print(f"workspace made in {made.root}; its settings are in {made.root / 'riskscore.toml'}")


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write, new or empty.", metavar="DIR")],
    weeks: Annotated[int, typer.Option(min=2, help="Weeks of arrivals.")] = 26,
    per_day: Annotated[int, typer.Option(min=20, help="Shipments a day, about.")] = 400,
    seed: Annotated[int, typer.Option(help="Same seed, same country, byte for byte.")] = 1,
    scenario: Annotated[Scenario, typer.Option(help="What changes half-way.")] = "steady",
) -> None:
    """Write a synthetic country: manifests, traders, past exam outcomes, and the truth apart.

    Example: riskscore simulate --out world --weeks 26 --per-day 400 --seed 1
    """
    from riskscore import simulator

    with progress() as report:
        world = simulator.simulate(
            out, weeks=weeks, per_day=per_day, seed=seed, scenario=scenario,
            progress=lambda done, total: report("simulating", done, total),
        )  # fmt: skip
    print(f"{world.shipments:,} shipments of {weeks} weeks written to {out}")


@app.command()
def simulate_exams(
    world: Annotated[Path, typer.Option(help="Folder that simulate wrote.", metavar="DIR")],
    recommendations: Annotated[Path, typer.Option(help="Published recommendations.", metavar="DIR")],
    out: Annotated[Path, typer.Option(help="Outcomes file to write.", metavar="FILE")],
) -> None:
    """Write what the recommended exams of a simulated world would have found, as an outcomes file.

    Example: riskscore simulate-exams --world world --recommendations workspace/out/recommendations --out found.parquet
    """
    from riskscore import simulator

    result = simulator.simulate_exams(world, recommendations, out)
    print(f"{result.exams:,} exams, {result.hits:,} with a finding, {result.rows:,} outcomes written to {out}")


@app.command()
def ingest(
    context: typer.Context,
    feed: Annotated[Feed, typer.Argument(help="What the files hold.")],
    files: Files,
    file_format: FormatOption = "auto",
) -> None:
    """Validate files and append their rows to the ledger; refused rows go to out/quarantine with their reasons.

    Example: riskscore ingest manifest world/manifests
    """
    from riskscore.pipelines.ingest import ingest as run

    workspace = open_workspace(context)
    with progress() as report:
        report(f"ingesting {feed}", 0, 1)
        results = run(workspace, feed, files, file_format)
    columns = ("table", "read", "accepted", "quarantined", "superseded", "duplicate")
    console().print(table(columns, [[getattr(result, name) for name in columns] for result in results]))
    for result in results:
        if result.findings:
            found = ", ".join(f"{name} {count:,}" for name, count in result.findings.items())
            print(f"codes of unexpected form in {result.table}, kept: {found}")
        for reason, count in result.reasons.items():
            print(f"refused in {result.table}: {count:,} x {reason}")
    if any(result.quarantined for result in results):
        print(f"refused rows and their reasons: {workspace.out / 'quarantine'}")


@app.command()
def features(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
) -> None:
    """Print every feature: concept, unit, null meaning, look-back, source.

    Example: riskscore features
    """
    from riskscore.features import catalogue
    from riskscore.features.listing import COLUMNS, as_markdown, as_rows

    if markdown:
        print(as_markdown(catalogue()), end="")
    else:
        console().print(table(COLUMNS, as_rows(catalogue())))


@app.command()
def train(
    context: typer.Context,
    as_of: Annotated[
        date | None,
        typer.Option(
            parser=day_of,
            metavar="YYYY-MM-DD",
            help="Use facts known before this morning.",
            show_default="day after the newest arrival reached so far",
        ),
    ] = None,
    tune: Annotated[bool, typer.Option("--tune", help="First look for better settings, on rolling origins.")] = False,
    trials: Annotated[int, typer.Option(min=1, help="Settings that --tune tries.")] = 30,
) -> None:
    """Replay the history, train, calibrate and evaluate on later days, and register a model version.

    Example: riskscore train --as-of 2026-03-01
    """
    from riskscore.pipelines.train import train as run

    workspace = open_workspace(context)
    with progress() as report:
        result = run(workspace, as_of, report, trials=trials if tune else 0)
    columns = ("hazard", "rows", "positives", "base rate", "AUC", "precision at 5 %", "predicted/observed")
    console().print(
        table(
            columns,
            [_evaluation(*item) for item in result.evaluations.items()],
            title="on days after those it was fitted and calibrated on",
        )
    )
    if result.tuned:
        _print_tuned(result.tuned)
    print(
        f"model version {result.version} ({result.alias}), {result.rows:,} labelled shipments, facts known before "
        f"{result.as_of.isoformat()}, digest {result.digest[:12]}"
    )


def _print_tuned(tuned: Tuned) -> None:
    trials = tuned.trials
    ours, best = trials["score"].iloc[0], trials.loc[trials["chosen"], "score"].iloc[0]
    if trials["chosen"].iloc[0]:
        print(f"of {len(trials)} settings none ranked later days better at every origin than those of riskscore.toml")
        return
    print(f"of {len(trials)} settings these ranked later days best, AUC {best:.3f}, riskscore.toml {ours:.3f}; this")
    print(f"model is trained with them; to keep them, put them into riskscore.toml:\n\n{tuned.toml()}")


def _evaluation(target: str, figures: dict[str, Any]) -> list[object]:
    top = figures["top"]["0.05"]
    numbers = (figures["base_rate"], figures["auc"], top["precision_random"], figures["calibration_ratio"])
    shown = ["-" if number is None else f"{number:.3f}" for number in numbers]
    return [target, figures["rows"], figures["positives"], *shown]


app.command()(backtest)
app.command()(explain)
app.command()(report)
app.command()(decide)
app.command()(oversight)
app.command()(promote)
app.command()(trial)


@app.command()
def score(
    context: typer.Context,
    files: Files,
    day: Annotated[
        date | None,
        typer.Option("--date", parser=day_of, metavar="YYYY-MM-DD", help="Arrival day; default: each in the files."),
    ] = None,
    file_format: FormatOption = "auto",
    model: Annotated[str, typer.Option(help="Alias or version.", metavar="ALIAS|VERSION")] = "champion",
    refresh: Annotated[bool, typer.Option("--refresh", help="Score a scored day anew, with all known now.")] = False,
    allow_future_model: Annotated[
        bool, typer.Option("--allow-future-model", help="Permit a model that knows later days.")
    ] = False,
) -> None:
    """The daily job: score the shipments arriving on a day and publish exam recommendations.

    Example: riskscore score manifests/today.parquet --date 2026-03-02
    """
    from riskscore.cli.days import print_days
    from riskscore.pipelines.score import score as run

    workspace = open_workspace(context)
    with progress() as report:
        results = run(
            workspace, files, day, file_format=file_format, model=model, refresh=refresh,
            allow_future_model=allow_future_model, report=report,
        )  # fmt: skip
    print_days(workspace, results)


@app.command()
def demo(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Seed of the simulated country.")] = 1,
) -> None:
    """Run the whole story in a fresh workspace: simulate, ingest, train, score, examine, compare.

    Example: riskscore --workspace demo-workspace demo
    """
    from riskscore.cli.story import print_story
    from riskscore.pipelines.demo import run_demo

    root, threads = context.obj
    with progress() as report:
        story = run_demo(root, seed=seed, threads=threads, report=report)
    print_story(story)

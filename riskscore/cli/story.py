"""How the demo ends: a table a newcomer understands, and what to open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskscore.cli.terminal import console, table

if TYPE_CHECKING:
    from riskscore.pipelines.demo import PolicyResult, Story

_WORDS = {
    "random": "drawn by lot",
    "legacy": "the unit's old rules",
    "riskscore": "riskscore's recommendations",
    "top-k": "same scores, no random floor",
    "oracle": "knows the truth, not the luck",
}


def print_story(story: Story) -> None:
    """Print what happened, the comparison, and the paths of what was written."""
    first, last = story.days[0].run.run_date, story.days[-1].run.run_date
    print(
        f"\nA simulated country of {story.world.weeks} weeks. Trained on {story.trained.rows:,} examined shipments, "
        f"then scored {len(story.days)} mornings, {first.isoformat()} to {last.isoformat()}: {story.live:,} shipments, "
        f"{story.hazardous:,} of them truly hazardous.\n"
    )
    lottery = next(result for result in story.comparison if result.policy == "random")
    columns = ("policy", "", "exams", "found", "hit rate", "95 % interval", "of all hazards", "x random")
    title = "Who finds what with the same exam slots"
    console().print(table(columns, [_row(result, lottery) for result in story.comparison], title=title))
    print(
        "\nhit rate: exams that found something; of all hazards: share of the truly hazardous shipments found.\n"
        "An exam does not find everything that is there, so the oracle misses some too.\n"
    )
    workspace = story.workspace
    print(f"recommendations  {workspace.out / 'recommendations'}")
    print(f"run records      {workspace.out / 'runs'}")
    print(f"refused rows     {workspace.out / 'quarantine'}")
    print(f"settings         {workspace.root / 'riskscore.toml'}")
    print(f"oversight        {story.pages['oversight']}")
    print(f"\nOpen the last morning's worklist in a browser: {story.pages['worklist'].resolve().as_uri()}")


def _row(result: PolicyResult, lottery: PolicyResult) -> list[object]:
    rate, low, high = result.hit_rate
    return [
        result.policy,
        _WORDS[result.policy],
        result.exams,
        round(result.hits),
        f"{rate:.1%}",
        f"{low:.1%} to {high:.1%}",
        f"{result.recall[0]:.1%}",
        f"{rate / lottery.hit_rate[0]:.1f}" if lottery.hits else "-",
    ]

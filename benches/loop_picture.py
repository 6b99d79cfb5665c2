"""One picture of the closed loop: recall week by week, a panel for each scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SMOOTHED = 4
"""Weeks that are taken together: one week's hits are too few."""

STYLES = {
    "oracle": ("#6b7280", ":"),
    "ours": ("#0b63a5", "-"),
    "top-k": ("#b45309", "-"),
    "legacy": ("#6b7280", "--"),
    "random": ("#9ca3af", "-."),
}
"""Policies that are drawn, and how."""


def draw(found: Mapping[str, Sequence[Mapping[str, Any]]], break_week: int, path: Path) -> None:
    """Draw mean recall over seeds, by week.

    Args:
        found: per scenario the figures per policy of each seed, with weekly_recall.
        break_week: first week of the changed world.
        path: image to write; its suffix says which kind.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(5.2 * len(found), 3.4), sharey=True, squeeze=False)
    for axis, (scenario, seeds) in zip(axes[0], found.items(), strict=True):
        for policy, (colour, line) in STYLES.items():
            lives = [seed[policy]["weekly_recall"] for seed in seeds if policy in seed]
            if lives:
                weeks, recall = _smooth(np.mean(lives, axis=0))
                axis.plot(weeks, recall, color=colour, linestyle=line, label=f"{policy} ({len(lives)})")
        if scenario != "steady":
            axis.axvline(break_week, color="#d1d5db", zorder=0)
        axis.set(title=scenario, xlabel="week", xlim=(0, None), ylim=(0, 1))
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8, loc="upper left", ncols=2, title="policy (seeds)", title_fontsize=8)
    axes[0][0].set_ylabel("share of hazardous shipments found")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _smooth(weekly: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over SMOOTHED weeks from the first week with a find on; the last week of each."""
    first = int(np.argmax(weekly > 0))
    recall = np.convolve(weekly[first:], np.ones(SMOOTHED) / SMOOTHED, mode="valid")
    return first + SMOOTHED - 1 + np.arange(len(recall)), recall

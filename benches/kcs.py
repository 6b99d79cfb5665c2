"""Fraud in the Korean import declarations (Jeong et al., arXiv 2208.02484, synthetic), with the real daily job.

    python benches/kcs.py --train ../shared/data/kcs/train.csv --valid ../shared/data/kcs/valid.csv

In a temporary workspace: `ingest manifest TRAIN --format kcs`, `train`, `score VALID --format kcs` (every arrival day
in turn, labels unread). Only then are the labels of VALID read and joined. Beside it a look-up, no learning: the mean
label of the train rows with the same HS6, countries, tax rate, tax type and net mass (all of them, where riskscore
learns only from labels known by its first morning, 14 days after the declaration). The generator of these data
drew goods and label together, so most of any high score is such a look-up; what is left shows on the rows whose tuple
was never seen. Nothing here is evidence of detection power on real cargo.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from harness import ROOT, head, parser, save, scratch, show

from riskscore.models.evaluation import auc, auc_interval, top_at
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.score import score
from riskscore.pipelines.train import train
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

TUPLE = ["HS6 Code", "Country of Departure", "Country of Origin", "Tax Rate", "Tax Type", "Net Mass"]
"""What the generator drew together with the label."""

SHARES = (0.01, 0.05, 0.1)
MIN_POSITIVES = 5
"""With fewer positives in a part no figure is shown for it."""

_DATA = ROOT.parent / "shared" / "data" / "kcs"


@dataclass(frozen=True)
class Scored:
    """VALID with what is known of each row: labels `fraud` and `critical`, `seen`, and one column per method."""

    rows: pd.DataFrame

    @property
    def parts(self) -> dict[str, pd.DataFrame]:
        """All rows, and those whose tuple is not in TRAIN."""
        return {"all rows": self.rows, "unseen tuples": self.rows[~self.rows["seen"]]}


def run(train_csv: Path, valid_csv: Path, threads: int = 1) -> Scored:
    """Train on one file, score the other, and join the labels afterwards."""
    scores = _riskscore(train_csv, valid_csv, threads)
    past, future = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (train_csv, valid_csv))
    rows = future.set_index("Declaration ID")[TUPLE].join(scores)
    if rows["riskscore"].isna().any():
        raise SystemExit(f"{int(rows['riskscore'].isna().sum())} declarations were not scored")
    labels = _labels(future)
    known = past[TUPLE].agg("|".join, axis=1)
    tuples = rows[TUPLE].agg("|".join, axis=1)
    rows["seen"] = tuples.isin(known)
    for target, label in _labels(past).items():
        rates = label.to_numpy()
        means = pd.Series(rates, index=known.to_numpy()).groupby(level=0).mean()
        rows[f"look-up {target}"] = tuples.map(means).fillna(rates.mean())
    return Scored(rows.join(labels))


def _labels(file: pd.DataFrame) -> pd.DataFrame:
    index = pd.Index(file["Declaration ID"])
    labels = {"fraud": file["Fraud"] == "1", "critical": file["Critical Fraud"] == "2"}
    return pd.DataFrame({name: flags.to_numpy(np.float64) for name, flags in labels.items()}, index=index)


def _riskscore(train_csv: Path, valid_csv: Path, threads: int) -> pd.DataFrame:
    """`riskscore` (any hazard) and `pga_safety` (critical fraud) per declaration, as published."""
    with scratch() as folder:
        workspace = Workspace(Workspace.create(folder / "workspace").root, threads)
        ingest(workspace, "manifest", [train_csv], "kcs")
        trained = train(workspace)
        print(f"trained on {trained.rows:,} declarations known by {trained.as_of.isoformat()}")
        days = score(workspace, [valid_csv], file_format="kcs")
    frames = [day.recommendations.select(["shipment_id", "risk_score", "hazard_scores"]).to_pandas() for day in days]
    published = pd.concat(frames, ignore_index=True)
    print(f"scored {len(published):,} declarations of {len(days)} days, each as of its own morning")
    critical = [scores["pga_safety"] for scores in published["hazard_scores"]]
    return pd.DataFrame(
        {"riskscore": published["risk_score"].to_numpy(), "riskscore critical": np.array(critical, np.float64)},
        index=pd.Index(published["shipment_id"]),
    )


def figures(scored: Scored) -> list[dict[str, Any]]:
    """P@1 %, P@5 %, P@10 % and AUC with 95 % intervals, per target, part and method."""
    methods = {
        "fraud": {"riskscore": "riskscore", "look-up": "look-up fraud"},
        "critical": {"riskscore": "riskscore critical", "look-up": "look-up critical"},
    }
    found = []
    for target, columns in methods.items():
        for part, rows in scored.parts.items():
            label = rows[target].to_numpy()
            for method, column in columns.items():
                scores = rows[column].to_numpy(np.float64)
                if label.sum() >= MIN_POSITIVES and not np.isnan(scores).any():
                    found.append({"target": target, "part": part, "method": method} | _figures(scores, label))
    return found


def _figures(scores: NDArray[np.float64], label: NDArray[np.float64]) -> dict[str, Any]:
    figures: dict[str, Any] = {"rows": len(label), "positives": int(label.sum()), "base": label.mean()}
    for share in SHARES:
        top = top_at(scores, label, share)
        # Ties at the last slot count by their expectation, as the mean over all orders of the tied rows.
        figures[f"p@{share:.0%}"] = top["precision_random"], top["precision_low"], top["precision_high"]
    figures["auc"] = auc(scores, label), *auc_interval(scores, label)
    return figures


def _print(found: list[dict[str, Any]], scored: Scored) -> None:
    columns = ["target", "rows of", "method", "rows", "positives", "base", *(f"P@{s:.0%}" for s in SHARES), "AUC"]
    body = [
        [f["target"], f["part"], f["method"], f["rows"], f["positives"], f"{f['base']:.3f}"]
        + [_interval(f[f"p@{share:.0%}"]) for share in SHARES]
        + [_interval(f["auc"])]
        for f in found
    ]
    show("Precision at capacity and AUC, with 95 % intervals (Wilson; AUC: bootstrap over rows)", columns, body)
    seen = scored.rows["seen"].mean()
    print(
        f"{seen:.1%} of the rows repeat a train tuple ({', '.join(TUPLE)}), where goods and label were drawn "
        "together:\nmost of a high score on all rows is memorised. The rows with unseen tuples show what was learned.\n"
        "Ties count by their expectation under a random order. critical = fraud that threatens public safety."
    )


def _interval(figure: tuple[float, float, float]) -> str:
    value, low, high = figure
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def main() -> int:
    """Run with the files named on the command line; skipped when they are not there."""
    options = parser(__doc__)
    options.add_argument("--train", type=Path, default=_DATA / "train.csv", help="declarations to learn from")
    options.add_argument("--valid", type=Path, default=_DATA / "valid.csv", help="later declarations to score")
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    head("kcs: fraud in Korean declarations")
    for path in (given.train, given.valid):
        if not path.is_file():
            print(f"skipped: no file {path}; give --train and --valid (the data are not part of this repository)")
            return 0
    scored = run(given.train, given.valid, given.threads)
    found = figures(scored)
    _print(found, scored)
    save("kcs", {"seen_share": scored.rows["seen"].mean(), "results": found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

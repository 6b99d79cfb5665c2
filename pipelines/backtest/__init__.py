"""`riskscore backtest`: train at one morning after another, score what came next, hold it against what was found."""

from riskscore.pipelines.backtest.run import Backtest, backtest

__all__ = ["Backtest", "backtest"]

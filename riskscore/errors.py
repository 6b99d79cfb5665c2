"""Every error a user can cause, under one root. The command line prints one in a line and exits with 1."""

from __future__ import annotations


class RiskscoreError(Exception):
    """Root of all expected failures: what was wrong, where, and what to do about it.

    Args:
        what: what was expected and what came, in a sentence without the final full stop.
        where: file, row, key or table it was found in; empty when `what` says it.
        fix: what the user can do next; empty when there is nothing to add.

    >>> str(RiskscoreError("no such file", where="day.csv", fix="check the path"))
    'no such file: day.csv. Hint: check the path.'
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(f"{what}{f': {where}' if where else ''}{f'. Hint: {fix}.' if fix else ''}")


class InputError(RiskscoreError):
    """A file or frame that cannot be read as the table it is meant to be (raised by the readers and validation)."""


class ConfigError(RiskscoreError):
    """riskscore.toml is missing a key, has an unknown one, or a value out of range (raised by config)."""


class WorkspaceError(RiskscoreError):
    """The workspace is absent, damaged, or not one (raised by workspace and ledger)."""


class LockedError(WorkspaceError):
    """Another command is writing to this workspace (raised by workspace)."""


class ModelError(RiskscoreError):
    """No model, or one that may not be used: wrong digest, wrong features, trained on later days (raised by models)."""


class RunError(RiskscoreError):
    """A day cannot be scored as asked, or its replay differs from what was recorded (raised by pipelines)."""

"""riskscore: point-in-time risk scoring and exam recommendations for customs targeting.

Names load on first use, so that importing riskscore costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from riskscore._version import VERSION

__version__ = VERSION

_HOMES = {
    "RiskscoreError": "riskscore.errors",
    "Workspace": "riskscore.workspace",
    "build_features": "riskscore.api",
    "explain": "riskscore.api",
    "load_model": "riskscore.api",
    "open_workspace": "riskscore.api",
    "read_table": "riskscore.api",
    "recommend": "riskscore.api",
    "score": "riskscore.api",
    "select": "riskscore.api",
    "train": "riskscore.api",
    "validate": "riskscore.api",
}

__all__ = [
    "RiskscoreError",
    "Workspace",
    "build_features",
    "explain",
    "load_model",
    "open_workspace",
    "read_table",
    "recommend",
    "score",
    "select",
    "train",
    "validate",
]

if TYPE_CHECKING:
    from riskscore.api import (
        build_features,
        explain,
        load_model,
        open_workspace,
        read_table,
        recommend,
        score,
        select,
        train,
        validate,
    )
    from riskscore.errors import RiskscoreError
    from riskscore.workspace import Workspace


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module 'riskscore' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

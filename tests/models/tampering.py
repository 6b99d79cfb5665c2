"""Twenty ways to tamper with a model's directory, with payloads that leave a mark where anything runs them."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Tampering = Callable[[Path, Path], None]

MLMODEL = """\
artifact_path: bundle
flavors:
  python_function:
    loader_module: mlflow.pyfunc.model
    python_model: python_model.pkl
    code: code
    env: {conda: conda.yaml}
"""


def python(mark: Path) -> str:
    """A payload as source."""
    return f"open({str(mark)!r}, 'w').close()\n"


def pickled(mark: Path) -> bytes:
    """A payload as a pickle, written by hand: it runs when it is unpickled."""
    return f"cos\nsystem\n(S'touch {mark}'\ntR.".encode()


def flavour(directory: Path, mark: Path) -> None:
    """A whole pyfunc model beside the bundle."""
    (directory / "MLmodel").write_text(MLMODEL)
    (directory / "python_model.pkl").write_bytes(pickled(mark))
    (directory / "conda.yaml").write_text(f"dependencies: ['$(touch {mark})']\n")
    code(directory, mark)


def code(directory: Path, mark: Path) -> None:
    """A folder that some loaders put on the import path."""
    (directory / "code").mkdir()
    (directory / "code" / "sitecustomize.py").write_text(python(mark))


def linked(name: str) -> Tampering:
    """A file moved out of the directory, a link to it in its place: the same content."""

    def tamper(directory: Path, mark: Path) -> None:
        outside = mark.with_name(f"outside-{name}")
        shutil.move(directory / name, outside)
        (directory / name).symlink_to(outside)

    return tamper


def file_of(value: str) -> Tampering:
    """A manifest that names another file as the any booster's."""

    def tamper(directory: Path, mark: Path) -> None:
        mark.with_name("outside.txt").write_bytes((directory / "any.txt").read_bytes())
        manifest = json.loads((directory / "model.json").read_bytes())
        manifest["boosters"][0]["file"] = value.format(outside=mark.with_name("outside.txt"))
        (directory / "model.json").write_text(json.dumps(manifest))

    return tamper


def target_of(value: str) -> Tampering:
    """A manifest whose first target has another name."""

    def tamper(directory: Path, mark: Path) -> None:
        manifest = json.loads((directory / "model.json").read_bytes())
        manifest["boosters"][0] |= {"target": value, "file": f"{value}.txt"}
        (directory / "model.json").write_text(json.dumps(manifest))

    return tamper


def replaced(name: str, with_dir: bool = False) -> Tampering:
    """A payload, or a folder, in the place of a file."""

    def tamper(directory: Path, mark: Path) -> None:
        (directory / name).unlink()
        if with_dir:
            (directory / name).mkdir()
            (directory / name / "payload.py").write_text(python(mark))
        else:
            (directory / name).write_bytes(pickled(mark))

    return tamper


def renamed(old: str, new: str) -> Tampering:
    """A file under another name."""
    return lambda directory, mark: (directory / old).rename(directory / new)


def added(name: str) -> Tampering:
    """A payload under a further name."""
    return lambda directory, mark: (directory / name).write_bytes(pickled(mark))


def pipe(directory: Path, mark: Path) -> None:
    """A named pipe: whoever opens it waits for ever."""
    (directory / "any.txt").unlink()
    os.mkfifo(directory / "any.txt")


def huge(directory: Path, mark: Path) -> None:
    """A file of a terabyte, which takes no room until it is read."""
    with (directory / "any.txt").open("ab") as file:
        file.truncate(2**40)


WAYS: dict[str, Tampering] = {
    "a pyfunc model beside it": flavour,
    "an MLmodel": lambda directory, mark: (directory / "MLmodel").write_text(MLMODEL),
    "a pickle": added("python_model.pkl"),
    "an environment": added("conda.yaml"),
    "requirements": added("requirements.txt"),
    "code": code,
    "a pickle for a manifest": replaced("model.json"),
    "a pickle for golden rows": replaced("golden.json"),
    "a pickle for a booster": replaced("any.txt"),
    "a folder for a booster": replaced("any.txt", with_dir=True),
    "a linked booster": linked("any.txt"),
    "a linked manifest": linked("model.json"),
    "a device": lambda directory, mark: (directory / "narcotics.txt").symlink_to("/dev/zero"),
    "a pipe": pipe,
    "a huge file": huge,
    "a relative path in the manifest": file_of("../outside.txt"),
    "an absolute path in the manifest": file_of("{outside}"),
    "a path for a target": target_of("../outside"),
    "capitals": renamed("any.txt", "ANY.txt"),
    "capitals beside it": added("MODEL.JSON"),
    "a space": renamed("model.json", "model.json "),
    "a hidden file": added(".any.txt"),
}
"""By what they do: called with the directory, and the path of the mark that payloads would leave."""

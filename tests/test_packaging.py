"""What is built: one import name, every file once, an entry point, nothing heavy at import."""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("riskscore", "features", "models", "pipelines")
SOURCES = ("LICENSE", "MANIFEST.in", "README.md", "constraints.txt", "pyproject.toml", "setup.cfg")

pytestmark = pytest.mark.xdist_group("packaging")  # one worker builds, once


def run(*args: str | Path, cwd: Path) -> str:
    """What the command prints; its errors when it fails."""
    done = subprocess.run([sys.executable, *args], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(tree: Path, folder: str, *options: str) -> Path:
    """The wheel built from `tree` into `folder`, without the network."""
    run("-m", "build", "--no-isolation", *options, "--outdir", folder, cwd=tree)
    (wheel,) = (tree / folder).glob("*.whl")
    return wheel


def contents(wheel: Path) -> list[str]:
    """The files of a wheel, without its metadata."""
    names = zipfile.ZipFile(wheel).namelist()
    return sorted(name for name in names if ".dist-info/" not in name)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    tree = tmp_path_factory.mktemp("packaging") / "tree"
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True, ignore=ignore)
    for name in SOURCES:
        shutil.copy(ROOT / name, tree)
    return tree


@pytest.fixture(scope="module")
def wheel(tree):
    return built(tree, "direct", "--wheel")


@pytest.fixture(scope="module")
def unpacked(wheel):
    folder = wheel.parents[1] / "unpacked"
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_only_top_level_name_is_riskscore(wheel):
    assert {name.split("/")[0] for name in contents(wheel)} == {"riskscore"}


def test_every_file_of_the_four_folders_is_in_the_wheel_once(tree, wheel):
    expected = sorted(
        str(Path(folder, name).relative_to(tree))
        for folder, _, names in os.walk(tree / "riskscore", followlinks=True)
        for name in names
    )

    assert contents(wheel) == expected


def test_the_source_distribution_builds_the_same_wheel(tree, wheel):
    assert contents(built(tree, "through-sdist")) == contents(wheel)


def test_the_entry_point_runs(unpacked):
    (metadata,) = unpacked.glob("*.dist-info")
    entry_points = configparser.ConfigParser()
    entry_points.read(metadata / "entry_points.txt")

    assert dict(entry_points["console_scripts"]) == {"riskscore": "riskscore.cli:main"}
    assert "Usage" in run("-c", "from riskscore.cli import main; main()", "--help", cwd=unpacked)


def test_the_import_is_light(unpacked):
    heavy = "{'lightgbm', 'mlflow', 'pandas'}"
    code = f"import riskscore, sys; print(riskscore.__file__, {heavy} & set(sys.modules))"

    assert run("-c", code, cwd=unpacked).split() == [str(unpacked / "riskscore/__init__.py"), "set()"]


def test_every_import_is_a_declared_dependency():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    requirements = config["options"]["install_requires"].split()
    declared = {re.split(r"[<>=!~\[;]", requirement)[0].lower() for requirement in requirements}
    imported = {
        name.split(".")[0]
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_names(node)
    } - {"riskscore", *sys.stdlib_module_names}
    # PyPI's names know no case: RapidFuzz is rapidfuzz.
    distributions = {name: [each.lower() for each in found] for name, found in packages_distributions().items()}

    assert {name for name in imported if declared.isdisjoint(distributions.get(name, []))} == set()


def imported_names(node: ast.AST) -> list[str]:
    """The modules that an import statement names."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module)):
            return [module]
        case _:
            return []

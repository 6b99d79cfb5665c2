"""The shape of the code: links, sizes, import layers, and that the type checker sees all of it."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINKED = ("features", "models", "pipelines")
FOLDERS = ("riskscore", *LINKED)
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))  # follows no link

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 40  # without the docstring


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a module, nested ones too: where it stands, and its lines without the docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", lines


def run(tool: str, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment."""
    command = [Path(sys.executable).with_name(tool), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("folder", LINKED)
def test_each_folder_is_linked_into_the_package(folder):
    link = ROOT / "riskscore" / folder

    assert link.is_symlink()
    assert link.readlink() == Path("..", folder)


def test_no_module_is_too_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in MODULES}

    assert {name: lines for name, lines in lengths.items() if lines > MAX_MODULE_LINES} == {}


def test_no_function_is_too_long():
    lengths = dict(function for path in MODULES for function in functions(path))

    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


@pytest.mark.slow
def test_the_type_checker_sees_every_module():
    # Without the links, `mypy -p riskscore` leaves out the linked folders and still says "Success".
    done = run("mypy", "-p", "riskscore", cwd=ROOT)
    (checked,) = re.findall(r"(\d+) source files?\)?$", done.stdout, flags=re.MULTILINE)

    assert int(checked) == len(MODULES)


@pytest.mark.parametrize(
    ("path", "line", "broken"),
    [
        ("riskscore/newcomer.py", "", "layers"),
        ("riskscore/tables.py", "import riskscore.models", "layers"),
        ("riskscore/tables.py", "import riskscore.api", "layers"),
        ("features/newcomer.py", "import riskscore.models", "layers"),
        ("models/newcomer.py", "import riskscore.features", "layers"),
        ("models/newcomer.py", "import riskscore.pipelines", "layers"),
        ("pipelines/newcomer.py", "import riskscore.cli", "layers"),
        ("pipelines/newcomer.py", "import riskscore.simulator", "simulated-truth"),
        ("riskscore/tables.py", "import riskscore", "face"),
    ],
)
def test_a_breach_of_the_import_contracts_is_found(tmp_path, path, line, broken):
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / path).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")

    done = run("lint-imports", "--no-cache", "--contract", broken, cwd=tmp_path)

    assert "0 kept, 1 broken" in done.stdout
    assert Path(path).stem in done.stdout

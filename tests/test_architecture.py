"""The shape of the code: who may import whom, and how large a module may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("dialer", "pacing", "compliance", "sip", "config")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 70
MOST_MODULES_OF_A_FOLDER = 16
WORDS_OF_A_DOER = ("Manager", "Handler", "Utils", "Helper", "Processor")


def test_rooms_import_one_way() -> None:
    """The import contracts in pyproject.toml hold."""
    lint = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_readable(path: Path) -> None:
    """No module, function or name outgrows what one can keep in mind."""
    text = path.read_text()
    tree = ast.parse(text)
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    doers = [
        node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name.endswith(WORDS_OF_A_DOER)
    ]

    assert text.count("\n") <= MOST_LINES
    assert long == []
    assert doers == []
    assert path.name == "__init__.py" or ast.get_docstring(tree), "a module says what it is for"


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in MODULES}), ids=lambda path: str(path.relative_to(ROOT))
)
def test_folders_stay_readable(folder: Path) -> None:
    """No folder is a long flat list."""
    assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= MOST_MODULES_OF_A_FOLDER

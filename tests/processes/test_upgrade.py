"""An upgrade replaces the files below workers that run: what they will need, they have read before their hello."""

import ast
from pathlib import Path

import pytest

from stages.support import ROOT

FILES = sorted(path for package in ("bridge", "worker") for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_imported_later_than_with_its_file(path: Path) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    bodies = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)]
    late = [node.lineno for body in bodies for node in ast.walk(body) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not late, f"{path}: imports within functions, at lines {late}"
    assert "import_module(" not in path.read_text()

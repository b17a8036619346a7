"""docs/house.md, made of each file's own first sentence: ``python -m lab.house [--write]``."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/house.md"
PACKAGES = ("bridge", "worker", "supervisor")
_HEAD = """\
# The house, file by file

Made of the first sentence of each file by `./scripts/house --write`; `tests/test_docs.py` fails while this page is not
what they say. Which room lies on which floor: [architecture.md](architecture.md). How a message goes through:
[walks.md](walks.md)."""


def first_sentence(path: Path) -> str:
    """The first paragraph of the module's docstring, as Markdown; "" where there is none."""
    told = ast.get_docstring(ast.parse(path.read_text())) or ""
    return re.sub("``([^`]+)``", r"`\1`", " ".join(told.partition("\n\n")[0].split()))


def rooms() -> Iterator[Path]:
    """Each folder of the product that holds code, a room's own files before the rooms in it."""
    for package in PACKAGES:
        yield from sorted(path.parent for path in (ROOT / package).rglob("__init__.py"))


def files(room: Path) -> list[Path]:
    return sorted(path for path in room.glob("*.py") if path.name != "__init__.py")


def page() -> str:
    return "\n\n".join([_HEAD, *map(_section, rooms())]) + "\n"


def _section(room: Path) -> str:
    name = room.relative_to(ROOT).as_posix()
    rows = [f"| [`{path.name}`](../{name}/{path.name}) | {_cell(path)} |" for path in files(room)]
    table = ["", "| file | what it holds |", "|---|---|", *rows] if rows else []
    return "\n".join([f"## {name}/", "", first_sentence(room / "__init__.py"), *table])


def _cell(path: Path) -> str:
    return first_sentence(path).replace("|", "\\|")


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page())
    else:
        print(page(), end="")

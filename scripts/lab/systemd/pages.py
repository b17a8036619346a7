"""The commands of a page, as they stand there: each line of its shell blocks."""

import re
from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    lines = [
        line.partition("   #")[0].strip() for block in _BLOCK.findall(page.read_text()) for line in block.splitlines()
    ]
    return [line for line in lines if line and not line.startswith("#")]

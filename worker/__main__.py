"""``python -I -m worker --session ID --start-fd N``: started by the supervisor, never by a person.

A start is mostly imports, and all that is imported stays: so nobody looks through it for garbage meanwhile, nor ever
again (a sixth of the start, measured on 3.13). A worker speaks no TLS: without ``ssl``, which asyncio imports where it
can, it starts sooner and is a megabyte smaller.
"""

import gc
import sys

gc.disable()
sys.modules["ssl"] = None  # type: ignore[assignment]  # "import ssl" fails then: the import system's documentation, 5.3.1

from worker.arguments import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())

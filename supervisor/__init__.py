"""One process: it owns Discord, the store and the workers."""

import sys

if sys.version_info < (3, 12):  # noqa: UP036 - said in words, before newer syntax is met
    sys.exit("threadbridge needs Python 3.12 or newer; this is Python {}.{}".format(*sys.version_info[:2]))

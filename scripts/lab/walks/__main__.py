"""``python -m lab.walks [--write]``."""

import sys

from lab.walks.page import PAGE, page

if "--write" in sys.argv[1:]:
    PAGE.write_text(page())
else:
    print(page(), end="")

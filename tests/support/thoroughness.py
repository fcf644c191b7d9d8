"""How much a run of the suite takes of what is drawn at random or large by nature: CI, which has time, takes all of it.

``THOROUGH=1 make test`` does as CI does. Nothing is tested there that is not tested, with fewer cases, everywhere.
"""

from __future__ import annotations

import os
from typing import Final

THOROUGH: Final = bool(os.environ.get("THOROUGH"))


def cases(usual: int, *, thorough: int) -> int:
    """Return how many cases to take."""
    return thorough if THOROUGH else usual

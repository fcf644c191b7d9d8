"""What the directory holds now: read whole and proven complete, or an error.

Also the small reads that applying needs: one resource back after a write, who of a few is in a group, and resources by
the value of an attribute. How it is done is :mod:`reconciler.reading`'s business.
"""

from __future__ import annotations

from reconciler.reading.by_name import CannotAskError
from reconciler.reading.directory import ReadProgress, read_live
from reconciler.reading.finding import FilterMemory, endpoint_of, find
from reconciler.reading.single import members_among, read_group, read_user
from reconciler.reading.wanted import Wanted, WantedResource

__all__ = [
    "CannotAskError",
    "FilterMemory",
    "ReadProgress",
    "Wanted",
    "WantedResource",
    "endpoint_of",
    "find",
    "members_among",
    "read_group",
    "read_live",
    "read_user",
]

"""The limits within which YAML is read. They are far above any directory, and below what would hurt the machine."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 64 * 1024 * 1024
"""The largest file that is read."""

MAX_DEPTH: Final = 100
"""The deepest nesting of mappings and lists, with aliases replayed."""

MAX_NODES: Final = 10_000_000
"""The most keys, list items and containers of one file, checked from time to time."""

MAX_ALIAS_NODES: Final = 1_000_000
"""The most nodes that the aliases of one file may add by repeating what their anchors name."""

"""Reads one YAML file into plain values, and remembers where each of them was written.

Nothing changes its meaning silently: :mod:`reconciler.desired.plain_scalars` says what an unquoted scalar means.
Duplicate keys, tags, keys that are not text and a second document are errors. Anchors, aliases and merge keys (``<<``)
work within the limits of :mod:`reconciler.desired.yaml_limits`.
"""

from __future__ import annotations

import codecs
from array import array
from dataclasses import dataclass
from typing import Any, Final

import yaml

from reconciler.desired.positions import Places, entries, item_offsets
from reconciler.desired.problems import Problems
from reconciler.desired.unread import Unread
from reconciler.desired.yaml_builder import Builder, StopReadingError, Texts
from reconciler.desired.yaml_limits import MAX_BYTES, MAX_NODES
from reconciler.desired.yaml_syntax import syntax_problem
from reconciler.model import Origin

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Also how UTF-32 in little-endian order begins; in big-endian order it begins with NUL, which YAML refuses."""

# PyYAML built without libyaml still works, about ten times slower.
_Parser: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


@dataclass(frozen=True, slots=True)
class Document:
    """What one YAML file holds.

    Attributes:
        file: its path, as messages name it.
        value: the value of its document, ``None`` where there is none. Must not be changed: aliases share parts of it,
            and places are found by walking it.
        places: where its parts were written.
        unread: what of it could not be read.
        offsets_by_key: what :meth:`offsets` returns, as far as it was noted while reading.
    """

    file: str
    value: Any
    places: Places
    unread: Unread
    offsets_by_key: dict[str, array[int]]

    def locate(self, *path: str | int) -> Origin:
        """Return the place of the value at ``path``, or of the nearest that encloses it."""
        if not self.places:
            return Origin(self.file, 1, 1)
        return Origin(self.file, *self.places.find(self.value, 0, path))

    def is_unread(self, value: Any, *path: str | int) -> bool:
        """Tell whether the value at ``path`` only stands for one that could not be read, which is told already."""
        return self.unread.is_value(value, self.locate(*path))

    def is_incomplete(self, value: Any) -> bool:
        """Tell whether a mapping lacks entries because they could not be read, which is told already."""
        return self.unread.is_incomplete(value)

    def offsets(self, key: str) -> array[int]:
        """Return where the places of each item begin, for the list at ``key`` of the top mapping."""
        known = self.offsets_by_key.get(key)
        if known is not None and len(known) == len(self.value[key]):
            return known
        entry = next(entry for entry in entries(self.value, 0) if entry.key == key)
        return item_offsets(entry.value, entry.start + 1)


def read_yaml(
    data: bytes, file: str, problems: Problems, texts: Texts | None = None, *, max_nodes: int = MAX_NODES
) -> Document | None:
    """Read the content of one file.

    Args:
        data: the content; UTF-8, with or without a byte order mark.
        file: its path, as messages name it.
        problems: takes every problem found.
        texts: shared by the files of a workspace, so that equal texts are one object.
        max_nodes: the most keys, list items and containers that are read, checked from time to time.

    Returns:
        The document, even where problems were found in it that did not stop the reading; ``None`` where the file could
        not be read to its end.
    """
    if len(data) > MAX_BYTES:
        problems.error(
            "yaml-limit",
            f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are read",
            Origin(file, 1, 1),
            hint="split it",
        )
        return None
    if data.startswith(_UTF16):
        problems.error("yaml-encoding", "the file is UTF-16", Origin(file, 1, 1), hint="save the file as UTF-8")
        return None
    data = data.removeprefix(codecs.BOM_UTF8)
    builder = Builder(file, texts or Texts(), problems, max_nodes)
    try:
        parser = _Parser(data)
        builder.build(iter(parser.get_event, None))
    except StopReadingError:
        return None
    except yaml.YAMLError as error:
        problems.found.append(syntax_problem(error, data, file))
        return None
    value = builder.documents[0] if builder.documents else None
    return Document(file, value, builder.places, builder.unread, builder.item_offsets)

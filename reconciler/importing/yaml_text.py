"""Plain values -> the text of a file of a workspace, laid out for people and for small diffs.

PyYAML decides what needs quotes, by YAML 1.1: a superset of what the loader needs, so that every other reader agrees
with it. Every scalar takes one line, which keeps the layout a matter of line beginnings. What cannot be seen is
written as an escape, so that a review shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from reconciler.desired.plain_scalars import MISSPELT, resolve

_NO_WRAPPING = -1
_BEGINNINGS = re.compile(r"^(?:- |  - |  )", re.MULTILINE)
_INDENTED = {"- ": "  - ", "  - ": "      - ", "  ": "    "}
_ASTRAL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\U([0-9A-F]{8})")
_JOINERS = "\u200c\u200d"
"""Invisible, and needed to write Persian, the scripts of India and many emoji."""


class _Lines(list[Any]):
    """A list with a line for each item."""


class _Entry(dict[str, Any]):
    """A mapping with a line for each key."""


def yaml_text(key: str, items: Sequence[Mapping[str, Any]]) -> str:
    """Return a file that holds ``items`` under ``key``, one line for each attribute and each complex element.

    The loader reads back equal values; the same items give the same text.
    """
    text = yaml.dump(
        _Lines(_Entry((name, _arranged(name, value)) for name, value in item.items()) for item in items),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=_NO_WRAPPING,
    )
    # libyaml never indents a list below its key; a list with lines of its own is easier to read when it is.
    indented = _BEGINNINGS.sub(lambda match: _INDENTED[match[0]], text)
    return f"{key}:\n{_visible(indented)}"


def flow_text(value: Any) -> str:
    """Return a value as it is written on one line, behind its key."""
    # As the only item of a list: a document of one plain scalar would get an end marker.
    listed: str = yaml.dump([value], Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_NO_WRAPPING)
    return _visible(listed).strip()[1:-1]


def _arranged(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    has_lines = name == "members" or len(value) > 1 or any(isinstance(element, dict) for element in value)
    return _Lines(value) if has_lines and value else value


def _visible(text: str) -> str:
    """Show what is visible and escape what is not. Both stand between double quotes only: see :func:`_style`."""
    # To look for the expression at every character takes much longer than to look for its beginning.
    shown = _ASTRAL_ESCAPE.sub(_show, text) if "\\U" in text else text
    if all(line.isprintable() for line in shown.split("\n")):
        return shown
    return "".join(
        character if character == "\n" or _is_visible(character) else _escape(character) for character in shown
    )


def _show(match: re.Match[str]) -> str:
    character = chr(int(match[2], 16))
    return f"{match[1]}{character}" if _is_visible(character) else match[0]


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _is_visible(character: str) -> bool:
    return character.isprintable() or character in _JOINERS


def _style(text: str) -> str | None:
    """Return the quotes that a text needs beyond those that PyYAML would choose."""
    if text.isascii():
        escapes = "\\" in text or not text.isprintable()
    else:
        escapes = "\\" in text or any(character > "\uffff" or not _is_visible(character) for character in text)
    if escapes:
        return '"'
    return "'" if text in MISSPELT or resolve(text) != text else None


class _Dumper(yaml.CSafeDumper):
    """No anchors, and a line only for what asks for one."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True

    def _text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))

    def _number(self, number: float) -> yaml.ScalarNode:
        text = repr(number)
        # YAML 1.1 knows no exponent without a dot: such a number is written as it is, and this loader reads a number.
        kind = "float" if "." in text else "str"
        return self.represent_scalar(f"tag:yaml.org,2002:{kind}", text)

    def _list(self, items: list[Any]) -> yaml.SequenceNode:
        return self.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=not isinstance(items, _Lines))

    def _mapping(self, mapping: dict[str, Any]) -> yaml.MappingNode:
        return self.represent_mapping("tag:yaml.org,2002:map", mapping, flow_style=not isinstance(mapping, _Entry))


_Dumper.add_representer(str, _Dumper._text)
_Dumper.add_representer(float, _Dumper._number)
for _list_type in (list, _Lines):
    _Dumper.add_representer(_list_type, _Dumper._list)
for _mapping_type in (dict, _Entry):
    _Dumper.add_representer(_mapping_type, _Dumper._mapping)

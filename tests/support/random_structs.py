"""Any value of a msgspec struct, as its fields allow: what no planner would ever make is among it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def json_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return what draws any JSON whose strings are these."""
    return st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
        max_leaves=4,
    )


JSON: st.SearchStrategy[Any] = json_of(TEXTS)


def values_of(cls: type[msgspec.Struct], *, texts: st.SearchStrategy[str] = TEXTS) -> st.SearchStrategy[Any]:
    """Return what draws a value of a struct.

    Args:
        cls: the struct.
        texts: what draws every string in it.
    """
    return _Drawing(texts).of(inspect.type_info(cls))


class _Drawing:
    """Makes what draws values, with one way to draw every string."""

    def __init__(self, texts: st.SearchStrategy[str]) -> None:
        self._texts = texts
        self._simple: Mapping[type[inspect.Type], st.SearchStrategy[Any]] = {
            inspect.AnyType: json_of(texts),
            inspect.NoneType: st.none(),
            inspect.BoolType: st.booleans(),
            inspect.IntType: st.integers(0, 2**53),
            inspect.FloatType: st.floats(0, 1e6),
            inspect.StrType: texts,
        }

    def of(self, info: inspect.Type) -> st.SearchStrategy[Any]:
        match info:
            case inspect.StructType():
                return self._struct(info)
            case inspect.VarTupleType(item_type=item):
                return st.lists(self.of(item), max_size=2).map(tuple)
            case inspect.DictType(value_type=value):
                return st.dictionaries(self._texts, self.of(value), max_size=2)
            case inspect.UnionType(types=types):
                return st.one_of([self.of(one) for one in types])
            case inspect.LiteralType() | inspect.EnumType():
                return st.sampled_from(info.values if isinstance(info, inspect.LiteralType) else list(info.cls))
        return self._simple[type(info)]

    def _struct(self, info: inspect.StructType) -> st.SearchStrategy[Any]:
        needed = {field.name: self.of(field.type) for field in info.fields if field.required}
        others = {field.name: self.of(field.type) for field in info.fields if not field.required}
        return st.fixed_dictionaries(needed, optional=others).map(lambda drawn: info.cls(**drawn))

"""Any value of a msgspec struct, as its fields allow: what no planner would ever make is among it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


_SIMPLE: Mapping[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.AnyType: JSON,
    inspect.NoneType: st.none(),
    inspect.BoolType: st.booleans(),
    inspect.IntType: st.integers(0, 2**53),
    inspect.FloatType: st.floats(0, 1e6),
    inspect.StrType: TEXTS,
}


def values_of(cls: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Return what draws a value of a struct."""
    return _values(inspect.type_info(cls))


def _values(info: inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case inspect.StructType():
            return _structs(info)
        case inspect.VarTupleType(item_type=item):
            return st.lists(_values(item), max_size=2).map(tuple)
        case inspect.DictType(value_type=value):
            return st.dictionaries(TEXTS, _values(value), max_size=2)
        case inspect.UnionType(types=types):
            return st.one_of([_values(one) for one in types])
        case inspect.LiteralType() | inspect.EnumType():
            return st.sampled_from(info.values if isinstance(info, inspect.LiteralType) else list(info.cls))
    return _SIMPLE[type(info)]


def _structs(info: inspect.StructType) -> st.SearchStrategy[Any]:
    needed = {field.name: _values(field.type) for field in info.fields if field.required}
    others = {field.name: _values(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(needed, optional=others).map(lambda drawn: info.cls(**drawn))

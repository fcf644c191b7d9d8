"""What remains of a value, and where its parts were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.positions import Places
from reconciler.desired.problems import Problems
from reconciler.desired.resources import ResourceSource
from reconciler.desired.schema import SchemaChecks, json_schema
from reconciler.desired.sound_parts import ValuePath, as_written, without
from reconciler.desired.suggestions import Suggester
from reconciler.desired.unread import Unread
from reconciler.desired.yaml_reader import Document

VALUE: st.SearchStrategy[Any] = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=20,
)
MAPPING = st.dictionaries(st.sampled_from("abc"), VALUE, min_size=1)


def paths(value: Any, path: ValuePath = ()) -> Iterator[ValuePath]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield (*path, step)
        yield from paths(item, (*path, step))


def at(value: Any, path: ValuePath) -> Any:
    for step in path:
        value = value[step]
    return value


@given(MAPPING, st.data())
def test_what_is_not_refused_remains_and_is_found_where_it_was_written(
    value: dict[str, Any], data: st.DataObject
) -> None:
    every = list(paths(value))
    refused = data.draw(st.sets(st.sampled_from(every)))
    before = repr(value)
    remaining, kept = without(value, refused)
    found = [as_written(path, kept) for path in paths(remaining)]
    assert set(found) == {path for path in every if not any(path[: len(no)] == no for no in refused)}
    for path, written in zip(paths(remaining), found, strict=True):
        if not isinstance(at(remaining, path), (dict, list)):
            assert at(remaining, path) == at(value, written)
    assert repr(value) == before


KEYS = st.sampled_from(
    ["userName", "titel", "emails", "value", "primary", "lifecycle", "until", "roles", "members", "user"]
)
LEAVES = st.none() | st.booleans() | st.sampled_from(["ada", "2026-13-01", "2026-01-01"]) | st.integers(0, 3)
ENTRY = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
    ),
)


@settings(deadline=None)
@given(ENTRY)
def test_a_sound_part_is_valid_but_for_its_name(entry: dict[str, Any]) -> None:
    checks = SchemaChecks(Suggester())
    definitions = json_schema("resources")["$defs"]
    for name, check in (("user", checks.user), ("group", checks.group)):
        if check.accepts(entry):
            continue
        places = Places()
        places.packed.extend([0] * 200)
        problems = Problems()
        source = ResourceSource(Document("a.yaml", entry, places, Unread(), {}), 0, entry)
        part = check.explain(entry, source, problems)
        assert part is not None
        nameless = {key: value for key, value in definitions[name].items() if key != "required"}
        assert jsonschema_rs.is_valid({**nameless, "$defs": definitions}, part.value)
        assert problems.found

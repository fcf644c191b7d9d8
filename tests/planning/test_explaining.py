"""What changed inside a value, as a person reads it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.planning.explaining import explain
from thoroughness import cases

WORK = {"value": "ada@example.com", "type": "work", "primary": True}
HOME = {"value": "home@example.com", "type": "home"}


@pytest.mark.parametrize(
    ("before", "after", "phrases"),
    [
        ("a", "b", ()),
        (None, [WORK], ()),
        ([{"value": "a"}], [{"value": "b"}], ("~ a → b",)),
        ([WORK], [{**WORK, "value": "new@example.com"}], ("~ work: ada@example.com → new@example.com",)),
        ([WORK], [HOME, WORK], ("+ home@example.com (type home)",)),
        ([WORK, HOME], [HOME], ("- ada@example.com (type work, primary)",)),
        ([WORK], [HOME], ("+ home@example.com (type home)", "- ada@example.com (type work, primary)")),
        ([{"value": "a", "display": "x"}], [{"value": "a"}], ("- a display: x",)),
        ([{"value": "a"}], [{"value": "a", "primary": True}], ("+ a primary: true",)),
        ([WORK], [{**WORK, "type": "home"}], ("~ ada@example.com type: work → home",)),
        (
            [{"type": "work", "locality": "Ulm"}],
            [{"type": "work", "locality": "Kiel"}],
            ("~ work locality: Ulm → Kiel",),
        ),
        ([{"type": "work"}], [{"type": "work", "value": "a"}], ("+ work: a",)),
        ([{"display": "x"}], [{"display": "x", "value": "a"}], ("+ a",)),
        (["a", "b"], ["c", "a"], ("+ c", "- b")),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ("~ a.b: 1 → 2",)),
    ],
)
def test_changes_inside_a_value_are_named(before: Any, after: Any, phrases: tuple[str, ...]) -> None:
    assert explain(before, after) == phrases


def test_elements_that_change_places_are_told_apart_by_their_values() -> None:
    """What differs is who is the primary one, and not the addresses."""
    before, after = [WORK, HOME], [{**HOME, "primary": True}, {**WORK, "primary": False}]
    assert explain(before, after) == ("+ home@example.com primary: true", "~ ada@example.com primary: true → false")


ELEMENTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "value": st.sampled_from(["a", "A", "b", "c"]),
            "type": st.sampled_from(["work", "home", "Work"]),
            "primary": st.booleans(),
        },
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=cases(60, thorough=1000))
@given(before=ELEMENTS, after=ELEMENTS)
def test_something_is_said_exactly_where_something_differs(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    def written(elements: list[dict[str, Any]]) -> list[str]:
        return sorted(repr(sorted(element.items())) for element in elements)

    assert bool(explain(before, after)) == (written(before) != written(after))

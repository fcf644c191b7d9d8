"""The first chunk is small: what would go wrong with everybody goes wrong with few."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_and_live import live, planned, policy, user
from reconciler.planning import Plan

WRITES_PER_REQUEST = {False: 1, True: 1000}
"""By whether the directory takes bulk requests."""


def joiners(number: int) -> list[str]:
    return [f"new{n:03}@example.com" for n in range(number)]


def sizes(made: Plan) -> list[int]:
    return [len(steps) for _, steps in made.chunks()]


@pytest.mark.parametrize(
    ("joining", "canary", "chunk_size", "expected"),
    [
        (0, 10, 200, []),
        (10, 10, 200, [10]),
        (11, 10, 200, [10, 1]),
        (450, 10, 200, [10, 200, 200, 40]),
        (8, 10, 3, [3, 3, 2]),
        (3, 1, 200, [1, 2]),
    ],
)
@pytest.mark.parametrize("bulk", [False, True])
def test_the_first_chunk_holds_the_canary_and_no_more(
    joining: int, canary: int, chunk_size: int, expected: list[int], bulk: bool
) -> None:
    rules = policy(canary=canary, chunk_size=chunk_size)
    made = planned(map(user, joiners(joining)), live(bulk_operations=WRITES_PER_REQUEST[bulk]), rules)
    assert sizes(made) == expected


def test_ten_steps_are_the_canary_unless_somebody_says_otherwise() -> None:
    assert sizes(planned(map(user, joiners(30)), (), policy())) == [10, 20]


@given(st.integers(0, 60), st.integers(1, 12), st.integers(1, 30), st.booleans())
def test_the_order_is_the_same_whatever_the_chunks(joining: int, canary: int, chunk_size: int, bulk: bool) -> None:
    found = live(bulk_operations=WRITES_PER_REQUEST[bulk])
    made = planned(map(user, joiners(joining)), found, policy(canary=canary, chunk_size=chunk_size))
    assert [step.name for step in made.steps] == joiners(joining)
    assert all(size <= chunk_size for size in sizes(made))
    assert all(size <= canary for size in sizes(made)[:1])
    assert [number for number, _ in made.chunks()] == [*range(1, len(sizes(made)) + 1)]

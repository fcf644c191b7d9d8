"""Chunks of plans for directories that take bulk requests: the same steps in the same order, less apart."""

from __future__ import annotations

from itertools import groupby

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Kind
from reconciler.planning.ordering import arrange, phase
from reconciler.planning.plan import Action, Edge, Reason, Step

GRANTING = (Action.CREATE, Action.UPDATE, Action.REACTIVATE, Action.ADD_MEMBERS)


def step(action: Action, kind: Kind, number: int, *, needs: tuple[str, ...] = ()) -> Step:
    name = f"{kind.lower()}{number}"
    edge = Edge(name="user0", reason=Reason.LISTED)
    members = (edge,) if action in (Action.ADD_MEMBERS, Action.REMOVE_MEMBERS) else ()
    return Step(
        id=f"{action} {kind.address(name)}",
        action=action,
        kind=kind,
        name=name,
        reason=Reason.DIFFERS,
        resource_id=None if action is Action.CREATE or needs else f"id-{name}",
        members=members,
        needs=needs,
    )


def new_group(number: int) -> list[Step]:
    made = step(Action.CREATE, Kind.GROUP, number)
    return [made, step(Action.ADD_MEMBERS, Kind.GROUP, number, needs=(made.id,))]


@st.composite
def plans(draw: st.DrawFn) -> list[Step]:
    steps = [
        step(draw(st.sampled_from([one for one in Action if "members" not in one])), Kind.USER, number)
        for number in range(draw(st.integers(0, 8)))
    ]
    for number in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            steps += new_group(number)
        else:
            steps += [step(draw(st.sampled_from([Action.ADD_MEMBERS, Action.REMOVE_MEMBERS])), Kind.GROUP, number)]
    shuffled: list[Step] = draw(st.permutations(steps))
    return shuffled


def chunks(steps: list[Step], chunk_size: int, *, bulk: bool) -> list[list[Step]]:
    arranged = arrange(steps, chunk_size=chunk_size, problems=[], bulk=bulk)
    return [list(chunk) for _, chunk in groupby(arranged, key=lambda one: one.chunk)]


@given(plans(), st.integers(1, 6))
def test_the_order_is_the_same_with_bulks_and_without(steps: list[Step], chunk_size: int) -> None:
    plain, bulk = (arrange(steps, chunk_size=chunk_size, problems=[], bulk=bulk) for bulk in (False, True))
    assert [one.id for one in plain] == [one.id for one in bulk]
    assert bulk == arrange(reversed(steps), chunk_size=chunk_size, problems=[], bulk=True)


@given(plans(), st.integers(1, 6))
def test_a_chunk_grants_or_takes_and_a_step_needs_nothing_in_it_but_the_creation_of_its_own_group(
    steps: list[Step], chunk_size: int
) -> None:
    for chunk in chunks(steps, chunk_size, bulk=True):
        assert len(chunk) <= chunk_size
        assert all(one.action in GRANTING for one in chunk) or len({phase(one) for one in chunk}) == 1
        by_id = {one.id: one for one in chunk}
        for one in chunk:
            for need in one.needs:
                if need in by_id:
                    assert by_id[need].action is Action.CREATE
                    assert by_id[need].address == one.address


def test_creations_and_the_members_that_need_them_share_a_chunk() -> None:
    steps = [step(Action.CREATE, Kind.USER, 0), *new_group(1), step(Action.ADD_MEMBERS, Kind.GROUP, 2)]
    assert [len(chunk) for chunk in chunks(steps, 10, bulk=True)] == [4]
    assert [len(chunk) for chunk in chunks(steps, 10, bulk=False)] == [1, 1, 2]


def test_who_takes_a_name_still_waits_for_the_chunk_that_frees_it() -> None:
    frees = step(Action.UPDATE, Kind.USER, 1)
    takes = msgspec.structs.replace(step(Action.CREATE, Kind.USER, 2), needs=(frees.id,))
    assert [[one.id for one in chunk] for chunk in chunks([takes, frees], 10, bulk=True)] == [[frees.id], [takes.id]]

"""Whatever a server does with members: a probe finds a form that works, if there is one, and harms nobody."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reconciler
from probes import PEOPLE, config, holds, probed, questions
from reconciler.capabilities import MemberAdd, MemberRemove
from reconciler.probing import Examination, Probe
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.behaviour.definition import (
    MemberForm,
    MembersPut,
    MembersReplaced,
    MembersShown,
    UnknownRemoval,
)
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving
from thoroughness import cases

GENERIC = behaviour("generic")
ASKED = questions("users be created", "groups be created", "filters on groups", "members", "at once", "twice")
ADDITIONS = st.frozensets(st.sampled_from([MemberForm.VALUE_ARRAY, MemberForm.NESTED_VALUE]))
REMOVALS = st.frozensets(st.sampled_from([form for form in MemberForm if form is not MemberForm.ALL]))


@pytest.mark.slow
@settings(max_examples=cases(8, thorough=40), deadline=None)
@given(
    additions=ADDITIONS,
    removals=REMOVALS,
    unknown=st.sampled_from(list(UnknownRemoval)),
    put=st.sampled_from(list(MembersPut)),
    replaced=st.sampled_from(list(MembersReplaced)),
    shown=st.sampled_from(list(MembersShown)),
)
def test_the_form_that_is_stated_is_one_that_the_server_understands(
    *,
    additions: frozenset[MemberForm],
    removals: frozenset[MemberForm],
    unknown: UnknownRemoval,
    put: MembersPut,
    replaced: MembersReplaced,
    shown: MembersShown,
) -> None:
    rules = replace(
        GENERIC,
        member_additions=additions,
        member_removals=removals,
        unknown_removal=unknown,
        members_put=put,
        members_replaced=replaced,
        members_shown=shown,
    )
    with leaving(Sandbox(rules, seed=PEOPLE)) as sandbox:
        before = holds(sandbox)
        states = probed(sandbox, experiments=ASKED, waits=()).states
        assert holds(sandbox) == before
    by_put = put in (MembersPut.REPLACED, MembersPut.KEPT_UNLESS_STATED)
    adds = {MemberAdd(form.value) for form in additions} | ({MemberAdd.PUT} if by_put else set())
    removes = {MemberRemove(form.value) for form in removals} | ({MemberRemove.PUT} if by_put else set())
    if not adds:
        assert not {"member_add", "member_remove"} & set(states)
        return
    assert states["member_add"] in adds
    assert (states["member_remove"] in removes) if removes else ("member_remove" not in states)


def test_doctor_and_probe_are_documented_calls() -> None:
    with leaving(Sandbox("generic")) as sandbox:
        stated = replace(config(), base_url=sandbox.base_url)
        environ = {"SCIM_TOKEN": sandbox.token}
        known = reconciler.doctor(stated, ".", environ=environ)
        found = reconciler.probe(stated, ".", environ=environ)
    assert isinstance(known, Examination)
    assert isinstance(found, Probe)
    assert found.left_behind == ()


def test_a_notebook_with_a_running_loop_can_call_them() -> None:
    async def inside_a_loop(base_url: str, token: str) -> Examination:
        return reconciler.doctor(replace(config(), base_url=base_url), ".", environ={"SCIM_TOKEN": token})

    with leaving(Sandbox("generic")) as sandbox:
        assert asyncio.run(inside_a_loop(sandbox.base_url, sandbox.token)).usable

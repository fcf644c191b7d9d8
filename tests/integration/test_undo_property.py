"""For any state of the files and of a directory: what a run did over HTTP is taken back over HTTP."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from past_runs import facts, with_old_ids
from reconciler.applying import RunResult
from reconciler.desired import load
from reconciler.planning import Plan
from reconciler.planning.undo import PastRun, PastStep, plan_undo
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving
from scenario import Scenario
from thoroughness import cases

NAMES = [f"{name}@example.com" for name in ("ada", "grace", "linus", "édith")]
GROUPS = ["team-a", "team-b", "team-c"]
TITLES = st.sampled_from(["Engineer", "Köchin", "No", 'a "b" \\ c'])


@st.composite
def _users(draw: st.DrawFn) -> list[dict[str, Any]]:
    users: list[dict[str, Any]] = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        user: dict[str, Any] = {"userName": name, "active": draw(st.booleans())}
        user |= {"title": draw(TITLES)} if draw(st.booleans()) else {}
        user |= {"emails": [{"value": name, "primary": True}]} if draw(st.booleans()) else {}
        users.append(user)
    return users


@st.composite
def _states(draw: st.DrawFn) -> dict[str, Any]:
    users = draw(_users())
    names = [user["userName"] for user in users]
    members = st.lists(st.sampled_from(names), unique=True) if names else st.just([])
    groups = [
        {"displayName": name, "members": draw(members)} for name in draw(st.lists(st.sampled_from(GROUPS), unique=True))
    ]
    return {"users": users, "groups": groups}


def past_run_of(made: Plan, result: RunResult) -> PastRun:
    """The run as its ledger tells it."""
    return PastRun(
        id=result.run_id,
        plan=made,
        steps=tuple(
            PastStep(
                step=outcome.step,
                status=outcome.status.value,
                resource_id=outcome.resource_id,
                before=outcome.before,
                requests=outcome.requests,
            )
            for outcome in result.outcomes
        ),
    )


@pytest.mark.slow
@settings(max_examples=cases(10, thorough=100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(desired=_states(), live=_states(), unlisted=st.sampled_from(["deactivate", "delete"]))
def test_an_undo_brings_back_what_was_there_before(
    desired: dict[str, Any], live: dict[str, Any], unlisted: str
) -> None:
    with tempfile.TemporaryDirectory() as folder, leaving(Sandbox("generic", seed=live)) as sandbox:
        scenario = Scenario(Path(folder), sandbox.base_url, sandbox.token, unlisted=(unlisted, "delete"))
        scenario.write(yaml.safe_dump(desired, allow_unicode=True))
        before = scenario.live()
        made = scenario.plan_for(before)
        result = scenario.apply_to(made, before)
        assert result.complete

        after, state = scenario.live(), load(scenario.workspace).desired
        past = past_run_of(made, result)
        undo = plan_undo(past, state, after, as_of=scenario.as_of)
        told = [note.message for note in undo.notes if note.code in ("cannot-undo", "not-as-left")]
        assert scenario.apply_to(undo, after).complete
        restored = scenario.live()
        assert plan_undo(past, state, restored, as_of=scenario.as_of).steps == ()
        if told:
            event("told")
            return
        event("restored")
        assert facts(restored, with_old_ids(before, restored)) == facts(before, {})

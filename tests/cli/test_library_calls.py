"""The documented calls, as a program uses them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

import reconciler
from reconciler.planning import Plan
from reconciler.planning.signing import generate

if TYPE_CHECKING:
    from command_line import Workspace

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def make(workspace: Workspace) -> tuple[reconciler.Loaded, Plan]:
    loaded = reconciler.load(str(workspace.path))
    live = reconciler.read_live(loaded.desired.config, workspace.path, environ=workspace.env)
    return loaded, reconciler.plan(loaded.desired, live, as_of=AS_OF)


def test_load_read_plan_apply_and_plan_again(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    loaded, planned = make(workspace)
    result = reconciler.apply(planned, loaded.desired.config, workspace.path, environ=workspace.env, now=AS_OF)
    assert result.complete
    assert make(workspace)[1].steps == ()
    assert capfd.readouterr() == ("", "")


def test_the_calls_work_where_a_loop_is_running(workspace: Workspace) -> None:
    async def in_a_notebook() -> Plan:
        return make(workspace)[1]

    assert asyncio.run(in_a_notebook()).steps


def test_render_gives_text_and_json(workspace: Workspace) -> None:
    _, planned = make(workspace)
    assert reconciler.render(planned).endswith(f"{planned.summary}\n")
    assert reconciler.render(planned, "json").startswith("{")


def test_an_altered_plan_is_not_applied(workspace: Workspace) -> None:
    loaded, planned = make(workspace)
    altered = msgspec.structs.replace(planned, steps=planned.steps[:1])
    with pytest.raises(reconciler.PlanFileError, match="not intact"):
        reconciler.apply(altered, loaded.desired.config, workspace.path, environ=workspace.env)
    assert workspace.runs() == []


def test_whoever_holds_a_directory_reads_plans_and_applies_with_nobody_in_between(workspace: Workspace) -> None:
    loaded = reconciler.load(workspace.path)
    config, env = loaded.desired.config, workspace.env
    with reconciler.hold(config, workspace.path, environ=env) as held:
        live = reconciler.read_live(config, workspace.path, environ=env)
        history = held.store.history(live.base_url)
        planned = reconciler.plan(loaded.desired, live, as_of=AS_OF, history=history)
        with (
            pytest.raises(reconciler.LockedError) as refused,
            reconciler.hold(config, workspace.path, environ=env),
        ):
            pass
        result = reconciler.apply(
            planned, config, workspace.path, environ=env, now=AS_OF, store=held.store, lock=held.lock
        )
    assert refused.value.holder.run_id == result.run_id == held.lock.run_id


def test_a_plan_is_signed_and_applied_once(workspace: Workspace) -> None:
    loaded, planned = make(workspace)
    private, public = generate()
    signed = reconciler.sign(planned, private)
    assert reconciler.verify(signed, public) is not None
    assert reconciler.compare(planned, signed).equivalent
    config, env = loaded.desired.config, workspace.env
    with pytest.raises(reconciler.PlanSignatureError):
        reconciler.apply(planned, config, workspace.path, environ=env, now=AS_OF, verify_key=public, once=True)
    first = reconciler.apply(signed, config, workspace.path, environ=env, now=AS_OF, verify_key=public, once=True)
    with pytest.raises(reconciler.PlanAppliedError) as again:
        reconciler.apply(signed, config, workspace.path, environ=env, now=AS_OF, verify_key=public, once=True)
    assert again.value.run.id == first.run_id
    with pytest.raises(reconciler.NothingToResumeError):
        reconciler.resume(first.run_id, config, workspace.path, environ=env, now=AS_OF)


def test_every_public_name_is_there() -> None:
    assert all(getattr(reconciler, name) is not None for name in reconciler.__all__)
    assert dir(reconciler) == sorted(reconciler.__all__)


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    assert not hasattr(reconciler, "nonsense")

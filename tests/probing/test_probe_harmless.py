"""A probe leaves a directory as it found it, whatever goes wrong, and names what it cannot take away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from probes import PEOPLE, holds, probed, questions
from reconciler.applying import StopSignal
from reconciler.model import Kind
from reconciler.probing import NAME_PREFIX
from reconciler.probing.bench import Bench
from reconciler.probing.seen import Experiment, Seen
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.behaviour.definition import MemberForm, UnknownRemoval
from reconciler.sandbox.faults import FaultRule, NothingChanges, Reply, Requests, Reset, StaleReads, Throttle, When
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving

GENERIC = behaviour("generic")
SHORT = questions("users be created", "filters on users", "groups be created", "members", "unique", "DELETE")


@pytest.mark.parametrize("dialect", ["generic", "atlassian", "aws-identity-center", "keycloak"])
def test_a_directory_is_afterwards_what_it_was(dialect: str) -> None:
    with leaving(Sandbox(dialect, seed=PEOPLE, record=True)) as sandbox:
        before = holds(sandbox)
        found = probed(sandbox)
        assert holds(sandbox) == before
    assert found.probe.left_behind == ()


def test_nothing_but_its_own_resources_is_written_to() -> None:
    with leaving(Sandbox("generic", seed=PEOPLE, record=True)) as sandbox:
        others = {row["id"] for rows in holds(sandbox).values() for row in rows}
        probed(sandbox)
        written = [request for request in sandbox.requests if request.method != "GET"]
    assert written
    assert not any(one in request.path or one.encode() in request.body for request in written for one in others)


def test_a_server_that_empties_groups_empties_none_but_the_probes_own() -> None:
    rules = replace(GENERIC, member_removals=frozenset({MemberForm.ALL}), unknown_removal=UnknownRemoval.EMPTIES)
    with leaving(Sandbox(rules, seed=PEOPLE)) as sandbox:
        before = holds(sandbox)
        probed(sandbox, experiments=SHORT)
        assert holds(sandbox) == before


WRITES = ("POST", "PUT", "PATCH", "DELETE")
FAULTS: dict[str, FaultRule] = {
    "a creation that fails and took effect": FaultRule(
        fault=Reply(status=500, took_effect=True), requests=Requests(methods=("POST",)), when=When(every=4)
    ),
    "an answer that is lost": FaultRule(
        fault=Reset(took_effect=True), requests=Requests(methods=WRITES), when=When(every=5)
    ),
    "a request that is lost": FaultRule(fault=Reset(), requests=Requests(methods=WRITES), when=When(every=5)),
    "deletions that fail at first": FaultRule(
        fault=Reply(status=500), requests=Requests(methods=("DELETE",)), when=When(every=2)
    ),
    "deletions that do nothing at first": FaultRule(
        fault=NothingChanges(), requests=Requests(methods=("DELETE",)), when=When(every=2)
    ),
    "reads that fail": FaultRule(
        fault=Reply(status=500, body="html"), requests=Requests(methods=("GET",)), when=When(every=6)
    ),
    "reads that are late": FaultRule(fault=StaleReads(reads=1)),
    "throttling": FaultRule(fault=Throttle(wait=0.0), when=When(skip=40, count=2)),
    "no connection for a while": FaultRule(fault=Reset(), when=When(skip=40, count=9)),
    "a token that is refused for a while": FaultRule(fault=Reply(status=401), when=When(skip=40, count=1)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_middle_leaves_nothing_behind(fault: str) -> None:
    with leaving(Sandbox("generic", seed=PEOPLE)) as sandbox:
        before = holds(sandbox)
        sandbox.use_faults([FAULTS[fault]])
        found = probed(sandbox, experiments=SHORT, waits=(0.0,) * 4)
        assert sandbox.fault_counts[0].injected
        assert holds(sandbox) == before, found.probe.left_behind


def test_a_token_that_stops_working_ends_the_probe_and_names_what_stays() -> None:
    with leaving(Sandbox("generic", seed=PEOPLE)) as sandbox:
        sandbox.use_faults([FaultRule(fault=Reply(status=401), when=When(skip=40))])
        found = probed(sandbox)
        left = {row["id"] for rows in holds(sandbox).values() for row in rows if NAME_PREFIX in str(row)}
    assert found.probe.stopped is not None
    assert "the token was not accepted" in found.probe.stopped
    assert {one.id for one in found.probe.left_behind} >= left != set()
    assert all(one.name.startswith(NAME_PREFIX) for one in found.probe.left_behind)


def test_a_stop_in_the_middle_cleans_up() -> None:
    stop = StopSignal()

    async def ask_to_stop(_: Bench) -> Seen:
        stop.request()
        return Seen(text="asked")

    first = questions("users be created", "groups be created")
    experiments = [*first, Experiment(question="Stop?", answer=ask_to_stop), *questions("unique")]
    with leaving(Sandbox("generic", seed=PEOPLE)) as sandbox:
        before = holds(sandbox)
        found = probed(sandbox, stop=stop, experiments=experiments)
        assert holds(sandbox) == before
    assert found.probe.by_user
    assert not found.answer("unique").determined


def test_users_that_a_server_only_deactivates_are_named() -> None:
    with leaving(Sandbox("slack", seed=PEOPLE)) as sandbox:
        found = probed(sandbox, experiments=SHORT)
        rows = [row for row in sandbox.directory.resources(Kind.USER) if row["userName"].startswith(NAME_PREFIX)]
        groups = sandbox.directory.resources(Kind.GROUP)
    assert {one.id for one in found.probe.left_behind} == {row["id"] for row in rows} != set()
    assert all(one.by_design for one in found.probe.left_behind)
    assert not any(row["active"] for row in rows)
    assert [group["displayName"] for group in groups] == ["team-platform"]


def test_what_does_not_carry_the_mark_of_the_probe_is_never_deleted() -> None:
    """A server that answers a creation with the id of somebody else."""
    with leaving(Sandbox("generic", seed=PEOPLE)) as sandbox:
        victim = sandbox.directory.resources(Kind.USER)[0]["id"]

        async def confused(bench: Bench) -> Seen:
            bench.note(Kind.USER, bench.stock.next_name(Kind.USER)).id = victim
            return Seen(text="mistaken")

        before = holds(sandbox)
        found = probed(sandbox, experiments=[*questions("users be created"), Experiment(question="?", answer=confused)])
        assert holds(sandbox) == before
    (left,) = found.probe.left_behind
    assert "does not carry the mark" in left.why

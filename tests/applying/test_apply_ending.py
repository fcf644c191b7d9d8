"""Batches of members that wait: they end with the run, and not before."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from loopback import Reply, Request, error
from meddler import Forward, Interpose, outcome_of, team, user
from misreading import empties, forms_sent, ignores, misreading
from reconciler.applying import Status

PEOPLE = [f"u{number}" for number in range(8)]
ADDRESSES = [f"{name}@example.com" for name in PEOPLE]


def test_a_run_that_has_ended_writes_no_further_batches_of_a_group_in_work(between: Interpose) -> None:
    applying, under_way, ended = threading.Event(), threading.Event(), threading.Event()
    written: list[str] = []

    def meddle(request: Request, forward: Forward) -> Reply:
        if applying.is_set() and "/Groups/" in request.path and made.id_of("second") in request.path:
            under_way.wait(5)
        if request.method == "PATCH" and made.id_of("second") in request.path:
            ended.set()
            return error(401, "expired")
        if request.method == "PATCH":
            written.append(request.path)
            if len(written) == 4:
                under_way.set()
                ended.wait(5)
                # The other answer is on its way: this one comes after it.
                time.sleep(0.1)
        return forward(request)

    seed = {"users": [user(name) for name in PEOPLE], "groups": [{"displayName": name} for name in ("first", "second")]}
    made = between(meddle, seed=seed)
    members = ", ".join(ADDRESSES)
    made.scenario.unlisted = ("ignore", "ignore")
    made.scenario.write(team(*PEOPLE, name="first") + f"  - {{displayName: second, members: [{members}]}}\n")
    live = made.scenario.live()
    planned = made.scenario.plan_for(live)
    one_by_one = replace(live.capabilities, max_members_per_patch=1)
    applying.set()
    result = made.scenario.apply_to(planned, replace(live, capabilities=one_by_one))
    assert result.stopped is not None
    assert len(written) < len(PEOPLE)
    outcome = outcome_of(result, "add_members group:first")
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith("the run ended before all of it was written")


def test_a_group_for_which_the_best_form_is_too_large_is_written_in_the_next(between: Interpose) -> None:
    """Path filters do nothing here; PUT is proven by one group, and the other one's is refused for its size."""
    by_form = misreading(remove_path_filter=ignores)

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "PUT" and made.id_of("team-2") in request.path:
            return error(413, "too large")
        return by_form(request, forward)

    groups = [{"displayName": name, "members": ADDRESSES} for name in ("team-1", "team-2")]
    made = between(meddle, seed={"users": [user(name) for name in PEOPLE], "groups": groups})
    made.scenario.unlisted = ("ignore", "ignore")
    listed = ", ".join(ADDRESSES[1:])
    made.scenario.write(team(*PEOPLE[1:], name="team-1") + f"  - {{displayName: team-2, members: [{listed}]}}\n")
    result = made.scenario.apply()
    assert [outcome.status for outcome in result.outcomes] == [Status.APPLIED] * 2
    assert forms_sent(made.meddler.requests)[-1] == "remove value-array"
    assert made.direct.members("team-2") == set(ADDRESSES[1:])


@pytest.mark.parametrize("status", [403, 503])
def test_a_loss_that_cannot_be_put_back_for_the_servers_reasons_is_told_and_ends_the_run(
    between: Interpose, status: int
) -> None:
    harmed = threading.Event()
    by_form = misreading(remove_path_filter=empties)

    def meddle(request: Request, forward: Forward) -> Reply:
        if harmed.is_set() and request.method in ("PATCH", "PUT"):
            return error(status, "not now")
        if request.method == "PATCH":
            harmed.set()
        return by_form(request, forward)

    groups = [{"displayName": name, "members": ADDRESSES} for name in ("team-1", "team-2")]
    made = between(meddle, seed={"users": [user(name) for name in PEOPLE], "groups": groups})
    made.scenario.unlisted = ("ignore", "ignore")
    listed = ", ".join(ADDRESSES[1:])
    made.scenario.write(team(*PEOPLE[1:], name="team-1") + f"  - {{displayName: team-2, members: [{listed}]}}\n")
    result = made.scenario.apply()
    assert result.stopped is not None
    assert "7 of them could not be put back" in result.stopped
    assert result.counts[Status.NOT_TRIED] == 1
    assert sorted(len(group.members or ()) for group in made.direct.live().groups) == [0, len(PEOPLE)]

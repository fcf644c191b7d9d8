"""Members that leave a group although no step removes them: they are put back, unless it looks like a coincidence."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from loopback import Reply, Request, error
from meddler import Between, Forward, Interpose, Meddle, Once, outcome_of, team, user, with_body
from misreading import empties, misreading, refuses
from reconciler.applying import Status
from reconciler.model import Kind

PATCH_OP = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]


def addresses(letters: str) -> list[str]:
    return [f"{letter}@example.com" for letter in letters]


def files(listed: str, groups: int) -> str:
    """``groups`` groups that state the same members, and more users than those."""
    users = "".join(f"  - {{userName: {name}}}\n" for name in addresses("abcdef"))
    members = ", ".join(addresses(listed))
    return f"users:\n{users}groups:\n" + "".join(
        f"  - {{displayName: team-{number}, members: [{members}]}}\n" for number in range(groups)
    )


def seed(members: str, groups: int) -> dict[str, Any]:
    return {
        "users": [user(letter) for letter in "abcdef"],
        "groups": [{"displayName": f"team-{number}", "members": addresses(members)} for number in range(groups)],
    }


def is_removal(request: Request) -> bool:
    return request.method == "PATCH" and b'"remove"' in request.body


def remove(forward: Forward, request: Request, path: str) -> Reply:
    body = {"schemas": PATCH_OP, "Operations": [{"op": "remove", "path": path}]}
    return forward(with_body(request, body))


def empties_on_removal(request: Request, forward: Forward) -> Reply:
    return remove(forward, request, "members") if is_removal(request) else forward(request)


def replaces_on_addition(request: Request, forward: Forward) -> Reply:
    if request.method == "PATCH" and b'"add"' in request.body:
        return forward(with_body(request, json.loads(request.body.replace(b'"add"', b'"replace"'))))
    return forward(request)


@pytest.mark.parametrize(
    ("meddle", "listed", "lost", "form"),
    [
        pytest.param(empties_on_removal, "abc", "abc", "path-filter", id="a removal taken for remove everybody"),
        pytest.param(replaces_on_addition, "abcde", "abcd", "value-array", id="an addition taken for a replacement"),
    ],
)
def test_a_server_that_misreads_a_membership_change_does_it_once_and_is_put_right(
    between: Interpose, meddle: Meddle, listed: str, lost: str, form: str
) -> None:
    made = between(meddle, seed=seed("abcd", groups=12))
    result = made.scenario.write(files(listed, groups=12)).apply()
    assert result.complete
    (harmed,) = [outcome for outcome in result.outcomes if outcome.message]
    named = ", ".join(addresses(lost))
    assert harmed.message == (
        f"{len(lost)} members left {harmed.step.address} that no step removes: {named}; they were put back. {form} is "
        "not used any more in this run; `reconciler doctor --probe` finds out what works"
    )
    assert made.direct.plan().steps == ()
    # Only the first was ever written in this form.
    assert len({request.path for request in made.sent("PATCH", "/Groups/")}) == 1


@pytest.mark.parametrize("what", ["refused", "ignored"])
def test_members_that_cannot_be_put_back_end_the_run(between: Interpose, what: str) -> None:
    emptied = threading.Event()

    def meddle(request: Request, forward: Forward) -> Reply:
        if emptied.is_set() and request.method in ("PATCH", "PUT"):
            return error(400, "read-only now") if what == "refused" else Reply(204)
        if is_removal(request):
            emptied.set()
        return empties_on_removal(request, forward)

    made = between(meddle, seed=seed("abcd", groups=12))
    result = made.scenario.write(files("abc", groups=12)).apply()
    assert result.counts[Status.DIFFERS] == 1
    assert result.counts[Status.NOT_TRIED] == 11
    assert result.stopped is not None
    named = ", ".join(addresses("abc"))
    (harmed,) = [outcome for outcome in result.outcomes if outcome.message]
    assert result.stopped.startswith(f"3 members left {harmed.step.address} that no step removes: {named}.")
    assert "3 of them could not be put back" in result.stopped
    assert sorted(len(group.members or ()) for group in made.direct.live().groups) == [0, *[4] * 11]


def removed_by_hand(made: Callable[[], Between], names: Iterator[str | None]) -> Meddle:
    """With every removal of ours, a colleague removes somebody else, or nobody."""
    lock = threading.Lock()

    def meddle(request: Request, forward: Forward) -> Reply:
        reply = forward(request)
        if is_removal(request):
            with lock:
                name = next(names, None)
            if name is not None:
                theirs = {key: value for key, value in request.headers.items() if key != "if-match"}
                path = f'members[value eq "{made().id_of(name)}"]'
                remove(forward, replace(request, headers=theirs), path)
        return reply

    return meddle


def test_a_member_whom_somebody_else_removes_while_a_form_is_proven_is_told_and_not_put_back(
    between: Interpose,
) -> None:
    made = between(removed_by_hand(lambda: made, iter([None, "a@example.com"])), seed=seed("abcd", groups=3))
    made.scenario.concurrency = 1
    made.scenario.write(files("abc", groups=3))
    result = made.apply()
    assert result.stopped is None
    assert result.counts[Status.APPLIED] == 2
    differs = outcome_of(result, "remove_members group:team-1")
    assert differs.status is Status.DIFFERS
    assert differs.message.startswith("1 member left group:team-1 that no step removes: a@example.com. Somebody else")
    assert made.direct.members("team-1") == set(addresses("bc"))


def test_a_loss_in_a_second_group_is_no_coincidence_and_put_back(between: Interpose) -> None:
    names = iter([None, *addresses("ab")])
    made = between(removed_by_hand(lambda: made, names), seed=seed("abcd", groups=6))
    made.scenario.concurrency = 1
    made.scenario.write(files("abc", groups=6))
    result = made.apply()
    assert result.stopped is None
    assert result.counts[Status.APPLIED] == 5
    assert "they were put back" in outcome_of(result, "remove_members group:team-2").message
    assert made.direct.members("team-2") == set(addresses("abc"))


def test_a_member_who_leaves_while_a_form_is_not_proven_is_put_back(between: Interpose) -> None:
    made = between(removed_by_hand(lambda: made, iter(["a@example.com"])), seed=seed("abcd", groups=3))
    made.scenario.write(files("abc", groups=3))
    assert made.apply().complete
    assert made.direct.plan().steps == ()


def test_a_member_who_is_deleted_meanwhile_was_not_lost(between: Interpose) -> None:
    once = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if once(is_removal(request)):
            for name in addresses("ab"):
                made.delete(Kind.USER, made.id_of(name))
        return forward(request)

    made = between(meddle, seed=seed("abcd", groups=1))
    assert made.scenario.write(files("abc", groups=1)).apply().complete


def test_members_that_a_lagging_read_does_not_show_yet_were_not_lost(between: Interpose) -> None:
    written, once = threading.Event(), Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        reply = forward(request)
        if is_removal(request):
            written.set()
        elif once(written.is_set() and request.method == "GET" and "/Groups/" in request.path):
            group = json.loads(reply.content)
            return Reply(body={**group, "members": group["members"][:1]})
        return reply

    made = between(meddle, seed=seed("abcd", groups=1))
    assert made.scenario.write(files("abc", groups=1)).apply().complete


def test_a_group_that_is_deleted_right_after_its_members_were_removed_has_lost_nobody(between: Interpose) -> None:
    written, reads = threading.Event(), [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        if written.is_set() and request.method == "GET" and "/Groups/" in request.path:
            reads[0] += 1
            if reads[0] == 1:
                return Reply(body={**json.loads(forward(request).content), "members": []})
            if reads[0] == 2:
                made.delete(Kind.GROUP, request.path.rpartition("/")[2])
        reply = forward(request)
        if is_removal(request):
            written.set()
        return reply

    made = between(meddle, seed=seed("abcd", groups=1))
    assert made.scenario.write(files("abc", groups=1)).apply().complete


def test_a_loss_is_put_right_also_where_the_members_themselves_cannot_be_read(between: Interpose) -> None:
    emptied = threading.Event()

    def meddle(request: Request, forward: Forward) -> Reply:
        if emptied.is_set() and request.method == "GET" and "/Users/" in request.path:
            return Reply(500)
        if is_removal(request):
            emptied.set()
        return empties_on_removal(request, forward)

    made = between(meddle, seed=seed("abcd", groups=1))
    made.scenario.write(files("abc", groups=1))
    lost = sorted(made.id_of(name) for name in addresses("abc"))
    (outcome,) = made.apply().outcomes
    assert outcome.status is Status.APPLIED
    assert f"3 members left group:team-0 that no step removes: {', '.join(lost)}; they were put back" in outcome.message
    assert made.direct.members("team-0") == set(addresses("abc"))


def test_members_who_are_deleted_meanwhile_do_not_hide_that_others_were_lost(between: Interpose) -> None:
    names = addresses("abcdefgh")
    deleted: list[str] = []

    def meddle(request: Request, forward: Forward) -> Reply:
        reply = empties_on_removal(request, forward)
        if is_removal(request) and not deleted:
            deleted.extend(sorted(made.id_of(name) for name in names[:-1])[:5])
            for resource_id in deleted:
                made.delete(Kind.USER, resource_id)
        return reply

    everybody = {
        "users": [user(letter) for letter in "abcdefgh"],
        "groups": [{"displayName": "team", "members": names}],
    }
    made = between(meddle, seed=everybody)
    made.scenario.unlisted = ("ignore", "ignore")
    (outcome,) = made.scenario.write(team(*"abcdefg")).apply().outcomes
    assert outcome.status is Status.APPLIED
    assert "they were put back" in outcome.message
    living = {found.name for found in made.direct.live().users}
    assert len(living) == 3
    assert made.direct.members("team") == living - {names[-1]}


def test_a_put_that_puts_members_back_states_the_version_that_it_was_made_from(between: Interpose) -> None:
    by_form = misreading(remove_path_filter=empties, add_value_array=refuses(501), add_nested_value=refuses(501))
    made = between(by_form, seed=seed("abcd", groups=1))
    assert made.scenario.write(files("abc", groups=1)).apply().complete
    assert made.direct.members("team-0") == set(addresses("abc"))
    assert made.sent("PUT")
    assert all("if-match" in request.headers for request in made.sent("PUT"))

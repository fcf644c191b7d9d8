"""Directories whose PATCH does not know every attribute: PUT writes what it answers "not implemented" for."""

from __future__ import annotations

import pytest

from loopback import Reply, Request, error
from meddler import Forward, Interpose, Meddle, statuses, user
from reconciler.applying import Status

SEED = {
    "users": [user("ada", title="Intern", nickName="A"), user("grace", title="Intern")],
    "groups": [{"displayName": "team", "externalId": "1", "members": ["ada@example.com"]}],
}
TITLES = "users:\n  - {userName: ada@example.com, title: Boss}\n  - {userName: grace@example.com, title: Boss}\n"


def without_patch_of(name: str, status: int = 501) -> Meddle:
    def meddle(request: Request, forward: Forward) -> Reply:
        refused = request.method == "PATCH" and name.encode() in request.body
        return error(status, "PATCH of this is not implemented") if refused else forward(request)

    return meddle


@pytest.mark.parametrize("status", [405, 501])
def test_an_attribute_that_patch_does_not_know_is_put_and_the_others_are_kept(between: Interpose, status: int) -> None:
    made = between(without_patch_of("title", status), seed=SEED)
    made.scenario.unlisted = ("ignore", "ignore")
    made.scenario.write(TITLES).converge()
    ada = next(found for found in made.direct.live().users if found.name == "ada@example.com")
    assert ada.attributes["title"] == "Boss"
    assert ada.attributes["nickName"] == "A"
    assert ada.attributes["emails"] == [{"value": "ada@example.com", "type": "work", "primary": True}]


def test_it_is_asked_no_second_time_for_the_same_attributes(between: Interpose) -> None:
    made = between(without_patch_of("title"), seed=SEED)
    made.scenario.unlisted = ("ignore", "ignore")
    made.scenario.concurrency = 1
    made.scenario.write(TITLES).converge()
    assert [request.method for request in made.meddler.requests if request.method in ("PATCH", "PUT")] == [
        "PATCH",
        "PUT",
        "PUT",
    ]


def test_a_group_is_renamed_with_all_its_members(between: Interpose) -> None:
    made = between(without_patch_of("displayName"), seed=SEED)
    made.scenario.unlisted = ("ignore", "ignore")
    made.scenario.write("groups: [{displayName: crew, externalId: '1'}]").converge()
    assert made.direct.members("crew") == {"ada@example.com"}


def test_where_put_is_refused_too_the_step_fails(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method in ("PATCH", "PUT"):
            return error(501, f"{request.method} is not implemented")
        return forward(request)

    made = between(meddle, seed=SEED)
    made.scenario.unlisted = ("ignore", "ignore")
    result = made.scenario.write("users: [{userName: ada@example.com, title: Boss}]").apply()
    assert statuses(result) == {"update user:ada@example.com": Status.FAILED}
    assert "PUT is not implemented" in result.outcomes[0].message


def test_what_patch_refuses_for_its_value_is_not_put(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return error(400, "no such title", "invalidValue") if request.method == "PATCH" else forward(request)

    made = between(meddle, seed=SEED)
    made.scenario.unlisted = ("ignore", "ignore")
    made.scenario.write("users: [{userName: ada@example.com, title: Boss}]").apply()
    assert not made.sent("PUT")

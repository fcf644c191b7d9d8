"""docs/safety.md, what nothing takes away, and what needs an allowance of its own."""

from __future__ import annotations

from typing import Any

from disasters import APPLY, Case, names, people, teams, user
from reconciler.model import Kind
from reconciler.sandbox.faults import FaultRule, Reply, Requests

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
WIDE: dict[str, Any] = {
    "users": {"deactivate": {"count": 100}, "delete": {"count": 100}},
    "groups": {"delete": {"count": 100}},
    "members": {"remove": {"count": 100}},
    "memberships": {"remove": {"count": 100}},
    "identity": {"change": {"count": 100}},
}
"""Limits that let everything pass: only protection is left."""


def everybody_but(number: int) -> list[dict[str, Any]]:
    return [one for one in people() if one["userName"] != names([number])[0]]


def groups_without(number: int) -> list[dict[str, Any]]:
    gone = names([number])[0]
    return [team | {"members": [one for one in team["members"] if one != gone]} for team in teams()]


def test_a_protected_user_expires(case: Case) -> None:
    leaver = user(7, lifecycle={"protected": True, "until": "2025-12-31"})
    case.state(users=[leaver, *everybody_but(7)], guards=WIDE)
    case.stops()


def test_a_protected_user_whose_lines_are_removed(case: Case) -> None:
    case.state(users=everybody_but(7), groups=groups_without(7), protect={"users": ["U07@*"]}, guards=WIDE, domains=[])
    case.stops()


def test_a_protected_group_whose_lines_are_removed(case: Case) -> None:
    case.state(groups=teams()[1:], protect={"groups": ["team-plat*"]}, guards=WIDE)
    case.stops()


EMERGENCY = {"break_glass": names([39])}


def test_an_emergency_account_is_not_listed_any_more(case: Case) -> None:
    case.state(users=people()[:39], groups=groups_without(39), protect=EMERGENCY, guards=WIDE)
    case.stops()


def test_an_emergency_account_loses_a_group(case: Case) -> None:
    case.state(groups=groups_without(39), protect=EMERGENCY, guards=WIDE)
    case.stops()


def test_the_group_of_an_emergency_account_is_deleted(case: Case) -> None:
    case.state(groups=[team for team in teams() if team["displayName"] != "team-sales"], protect=EMERGENCY, guards=WIDE)
    case.stops()


def test_an_emergency_account_gets_another_name(case: Case) -> None:
    renamed = user(39, userName="u99@example.com", lifecycle={"previously": names([39])})
    case.state(users=[*people()[:39], renamed], groups=groups_without(39)[:1], protect=EMERGENCY, guards=WIDE)
    case.stops()


def test_a_required_member_is_taken_out(case: Case) -> None:
    required = {"required_members": {"org-admins": names([0])}}
    case.state(groups=teams(org_admins=names([1, 2])), protect=required, guards=WIDE)
    case.stops()


def test_a_required_member_is_deactivated(case: Case) -> None:
    required = {"required_members": {"org-admins": names([0])}}
    case.state(users=[user(0, active=False), *people()[1:]], protect=required, guards=WIDE)
    case.stops()


def test_a_group_would_have_fewer_members_than_it_must(case: Case) -> None:
    case.state(groups=teams(org_admins=names([0])), protect={"min_members": {"org-admins": 2}}, guards=WIDE)
    case.stops()


def test_everybody_in_a_group_with_a_minimum_is_deactivated(case: Case) -> None:
    leavers = [user(number, active=number > 2) for number in range(40)]
    case.state(users=leavers, protect={"min_members": {"org-admins": 2}}, guards=WIDE)
    case.stops()


def test_a_group_would_be_empty_for_a_moment_because_its_new_members_are_refused(case: Case) -> None:
    case.state(
        users=[user(30, title="Principal"), *everybody_but(30)],
        groups=teams(org_admins=names([10, 11])),
        protect={"min_members": {"org-admins": 2}},
        guards=WIDE,
        apply={"canary": 1, "max_failures": {"count": 100}},  # only the minimum is left to stop it
    )
    refused = Reply(status=400, detail="no seat is left")
    case.fails(*(FaultRule(fault=refused, requests=Requests(body=case.id_of(one))) for one in names([10, 11])))
    groups = case.content["groups"]
    case.stops(writes=5)
    assert case.content["groups"] == groups


def test_a_privileged_group_gets_a_member(case: Case) -> None:
    case.state(groups=teams(org_admins=names(range(4))), protect={"privileged": ["*-admins"]})
    case.stops()


def test_a_privileged_group_gets_a_member_through_a_group_inside(case: Case) -> None:
    directory = case.sandbox.directory
    case.hold([], [{"displayName": "on-call", "members": names([0])}])
    operation = {"op": "add", "path": "members", "value": [{"value": case.id_of("on-call")}]}
    directory.patch(Kind.GROUP, case.id_of("org-admins"), {"schemas": [PATCH], "Operations": [operation]})
    nested = [team | {"members": [*team["members"], {"group": "on-call"}]} for team in teams()[3:]]
    case.state(
        groups=[*teams()[:3], *nested, {"displayName": "on-call", "members": names([0, 9])}],
        protect={"privileged": ["*-admins"]},
    )
    case.stops()


def test_a_privileged_group_is_renamed_away(case: Case) -> None:
    renamed = teams()[3] | {"displayName": "team-old", "lifecycle": {"previously": ["org-admins"]}}
    case.state(groups=[*teams()[:3], renamed], protect={"privileged": ["*-admins"]})
    case.stops()


def test_a_privileged_group_that_is_allowed_and_another_that_is_not(case: Case) -> None:
    more = [*teams(org_admins=names(range(4))), {"displayName": "site-admins", "members": names([5])}]
    case.state(groups=more, protect={"privileged": ["*-admins"]})
    case.stops(*APPLY, "--allow", "group:org-admins/privileged", "--reason", "OPS-1234: on call")


def test_a_plan_is_stopped_by_protection_whatever_is_allowed(case: Case) -> None:
    case.state(users=people()[:39], groups=groups_without(39), protect=EMERGENCY, guards=WIDE)
    case.stops(*APPLY, "--allow", "break_glass", "--reason", "OPS-1234")


def test_a_privileged_group_is_deleted(case: Case) -> None:
    case.state(groups=teams()[:3], protect={"privileged": ["*-admins"]}, guards=WIDE)
    case.stops()


def test_a_group_with_a_minimum_is_deleted(case: Case) -> None:
    case.state(groups=teams()[:3], protect={"min_members": {"org-admins": 2}}, guards=WIDE)
    case.stops()


def test_a_group_with_a_minimum_is_renamed_and_emptied(case: Case) -> None:
    renamed = {"displayName": "team-old", "members": names([0]), "lifecycle": {"previously": ["org-admins"]}}
    case.state(groups=[*teams()[:3], renamed], protect={"min_members": {"org-admins": 2}}, guards=WIDE)
    case.stops()

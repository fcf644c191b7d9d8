"""docs/safety.md, what runs without a person, what only looks, and the ways back."""

from __future__ import annotations

from disasters import APPLY, Case, Resource, names, people, teams, user


def joiners(count: int) -> list[Resource]:
    return [*people(), *(user(40 + number) for number in range(count))]


def leavers(count: int) -> tuple[list[Resource], list[Resource]]:
    stay = names(range(40 - count))
    groups = [team | {"members": [one for one in team["members"] if one in stay]} for team in teams()]
    return people()[: 40 - count], groups


# At night


def test_a_nightly_run_that_nobody_has_allowed_anything(case: Case) -> None:
    case.state(users=joiners(3))
    case.stops("reconcile")


def test_a_nightly_run_finds_a_kind_of_change_that_is_not_allowed(case: Case) -> None:
    users, groups = leavers(1)
    case.state(users=users, groups=groups, reconcile={"auto_approve": ["users.create", "users.update", "members.add"]})
    case.stops("reconcile")


def test_a_nightly_run_finds_a_new_name_where_only_updates_are_allowed(case: Case) -> None:
    renamed = user(39, userName="u99@example.com")
    stay = [{"displayName": team["displayName"]} for team in teams()]
    case.state(users=[*people()[:39], renamed], groups=stay, reconcile={"auto_approve": ["users.update"]})
    case.stops("reconcile")


def test_a_nightly_run_finds_an_account_that_was_switched_off_by_hand(case: Case) -> None:
    case.hold([user(50, active=False)], [])
    case.state(users=[*people(), user(50)], reconcile={"auto_approve": ["users.create", "users.update"]})
    case.stops("reconcile")


def test_a_nightly_run_that_a_guard_refuses(case: Case) -> None:
    users, groups = leavers(10)
    kinds = ["users.create", "users.deactivate", "members.remove"]
    case.state(users=[*users, user(50)], groups=groups, reconcile={"auto_approve": kinds})
    case.stops("reconcile")


def test_a_nightly_run_that_may_only_do_the_half_that_takes_away(case: Case) -> None:
    case.state(
        groups=teams(org_admins=names([10, 11])),
        protect={"min_members": {"org-admins": 2}},
        guards={"members": {"remove": {"count": 100}}},
        reconcile={"auto_approve": ["members.remove"]},
    )
    case.stops("reconcile")


def test_a_nightly_run_cannot_lift_a_guard(case: Case) -> None:
    users, groups = leavers(10)
    case.state(users=users, groups=groups, reconcile={"auto_approve": ["users.deactivate", "members.remove"]})
    case.stops("reconcile", "--allow", "users.deactivate=10", "--reason", "OPS-1234")


def test_a_kind_of_change_that_is_misspelt(case: Case) -> None:
    case.state(users=joiners(3), reconcile={"auto_approve": ["user.create"]})
    case.stops("reconcile")


# What only looks


def test_somebody_only_wants_to_see_the_plan(case: Case) -> None:
    case.state(users=joiners(3))
    case.stops("plan", "--detailed-exitcode", "-o", str(case.path / "acme.plan"))


def test_drift_is_looked_for_while_files_and_directory_differ(case: Case) -> None:
    case.done(*APPLY)
    case.hold([], [{"displayName": "team-by-hand"}])
    case.state(users=joiners(3))
    case.stops("drift", "--detailed-exitcode")


def test_drift_that_is_accepted(case: Case) -> None:
    case.done(*APPLY)
    case.hold([], [{"displayName": "team-by-hand"}])
    case.stops("drift", "--accept", "--reason", "OPS-1234")


# Going back


def test_an_undo_of_what_has_moved_on(case: Case) -> None:
    case.state(users=[user(0, title="Principal"), *people()[1:]])
    case.done(*APPLY)
    case.state(users=[user(0, title="Director"), *people()[1:]])
    case.done(*APPLY)
    case.stops("undo", case.runs()[0][0].id, "--auto-approve")


def test_an_undo_of_a_deletion_that_nothing_brings_back(case: Case) -> None:
    case.state(
        users=people()[:39],
        groups=[],
        unlisted={"users": "delete", "groups": "ignore"},
        capabilities={"user_delete": "irreversible"},
    )
    case.done(*APPLY, "--allow", "users.delete=1", "--reason", "OPS-1234")
    case.stops("undo", case.runs()[0][0].id, "--auto-approve")


def test_an_undo_that_would_delete_people(case: Case) -> None:
    case.state(users=joiners(3))
    case.done(*APPLY)
    case.stops("undo", case.runs()[0][0].id, "--auto-approve")


def test_an_undo_of_a_run_that_never_was(case: Case) -> None:
    case.done(*APPLY)
    case.stops("undo", "20261122T012754Z-1c09cd", "--auto-approve")

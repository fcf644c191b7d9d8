"""docs/safety.md, saved plans: what is applied is not what was reviewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from disasters import APPLY, Case, names, people, user
from reconciler.model import Kind
from reconciler.planning import decode, encode
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving


def promoted(*numbers: int) -> list[dict[str, object]]:
    return [user(number, title="Principal" if number in numbers else "Engineer") for number in range(40)]


@pytest.fixture
def saved(case: Case) -> Path:
    """Save a plan that changes the titles of two people."""
    return save(case)


def save(case: Case, *options: str) -> Path:
    case.state(users=promoted(3, 4))
    case.done("plan", "-o", str(case.path / "acme.plan"), *options)
    return case.path / "acme.plan"


def change(plan: Path, old: str, new: str) -> None:
    text = plan.read_text(encoding="ascii")
    assert old in text
    plan.write_text(text.replace(old, new, 1), encoding="ascii")


def test_a_plan_in_which_a_byte_was_changed(case: Case, saved: Path) -> None:
    change(saved, "u03@example.com", "u05@example.com")
    case.stops("apply", str(saved))


def test_a_plan_whose_digest_was_removed(case: Case, saved: Path) -> None:
    change(saved, f',\n "digest": "{decode(saved.read_bytes()).digest}"', "")
    case.stops("apply", str(saved))


def test_a_plan_made_by_somebody_else_under_a_signature_that_was_copied(case: Case) -> None:
    case.done("keygen", "-o", str(case.path / "ci"))
    saved = save(case, "--sign", str(case.path / "ci.key"))
    case.state(users=promoted(3, 4, 5))
    case.done("plan", "-o", str(case.path / "mine.plan"))
    theirs, mine = (decode((case.path / name).read_bytes()) for name in ("acme.plan", "mine.plan"))
    saved.write_bytes(encode(msgspec.structs.replace(mine, signature=theirs.signature)))
    case.stops("apply", str(saved))


def test_a_plan_whose_line_ends_git_has_changed(case: Case, saved: Path) -> None:
    saved.write_bytes(saved.read_bytes().replace(b"\n", b"\r\n"))
    case.stops("apply", str(saved))


def test_a_plan_that_did_not_arrive_whole(case: Case, saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:1000])
    case.stops("apply", str(saved))


def test_a_file_that_is_no_plan(case: Case) -> None:
    case.stops("apply", str(case.path / "people.yaml"))


def test_a_plan_that_somebody_else_has_signed(case: Case) -> None:
    for name in ("ci", "mallory"):
        case.done("keygen", "-o", str(case.path / name))
    saved = save(case, "--sign", str(case.path / "mallory.key"))
    case.stops("apply", str(saved), "--verify-key", str(case.path / "ci.pub"))


def test_a_plan_that_nobody_has_signed(case: Case) -> None:
    case.done("keygen", "-o", str(case.path / "ci"))
    case.state(users=promoted(3, 4), apply={"verify_key": "ci.pub"})
    case.done("plan", "-o", str(case.path / "acme.plan"))
    case.stops("apply", str(case.path / "acme.plan"))


def test_a_plan_for_another_directory(case: Case, saved: Path) -> None:
    with leaving(Sandbox(seed={"users": people()}, record=True)) as other:
        case.variables["SCIM_BASE_URL"] = other.base_url
        case.stops("apply", str(saved))
        assert other.request_count == 0


def test_a_plan_of_another_format(case: Case, saved: Path) -> None:
    change(saved, "reconciler.plan/1", "reconciler.plan/2")
    case.stops("apply", str(saved))


def test_a_plan_that_is_too_old(case: Case) -> None:
    saved = save(case, "--as-of", f"{datetime.now(UTC) - timedelta(days=8):%Y-%m-%dT%H:%M:%SZ}")
    case.stops("apply", str(saved))


def test_a_plan_made_for_the_future(case: Case) -> None:
    saved = save(case, "--as-of", f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}")
    case.stops("apply", str(saved))


def test_next_month_applied_today(case: Case) -> None:
    ahead = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    case.stops("apply", "--auto-approve", "--as-of", ahead)


def test_a_plan_that_guards_refuse(case: Case) -> None:
    case.state(users=people()[:30], groups=[])
    assert case.run("plan", "-o", str(case.path / "acme.plan")).code == 3
    case.stops("apply", str(case.path / "acme.plan"))


def test_a_plan_that_is_applied_twice(case: Case, saved: Path) -> None:
    case.done("apply", str(saved))
    case.stops("apply", str(saved))


def test_a_plan_that_is_applied_again_after_somebody_else_went_on(case: Case, saved: Path) -> None:
    case.done("apply", str(saved))
    case.state()
    case.done(*APPLY)
    case.stops("apply", str(saved))


def by_hand(case: Case, kind: Kind, name: str, operation: dict[str, object]) -> None:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    case.sandbox.directory.patch(kind, case.id_of(name), body)


def test_a_value_that_somebody_has_changed_since_the_review(case: Case, saved: Path) -> None:
    for name in names([3, 4]):
        by_hand(case, Kind.USER, name, {"op": "replace", "path": "title", "value": "Director"})
    case.stops("apply", str(saved))


def test_a_group_that_was_filled_since_its_deletion_was_reviewed(case: Case) -> None:
    case.hold([], [{"displayName": "team-old", "members": names([1])}])
    case.done("plan", "-o", str(case.path / "acme.plan"))
    members = [{"value": case.id_of(name)} for name in names(range(20))]
    by_hand(case, Kind.GROUP, "team-old", {"op": "add", "path": "members", "value": members})
    case.stops("apply", str(case.path / "acme.plan"))


def test_a_user_who_came_back_since_the_deletion_was_reviewed(case: Case) -> None:
    case.hold([{"userName": "gone@example.com", "active": False}], [])
    case.state(unlisted={"users": "delete", "groups": "ignore"})
    case.done("plan", "-o", str(case.path / "acme.plan"), "--allow", "users.delete=1", "--reason", "OPS-1234")
    by_hand(case, Kind.USER, "gone@example.com", {"op": "replace", "path": "active", "value": True})
    case.stops("apply", str(case.path / "acme.plan"))


def test_an_account_that_is_protected_since_its_deactivation_was_reviewed(case: Case) -> None:
    stay = {"users": "deactivate", "groups": "ignore"}
    case.state(users=people()[:39], groups=[], unlisted=stay)
    case.done("plan", "-o", str(case.path / "acme.plan"))
    case.state(users=people()[:39], groups=[], unlisted=stay, protect={"break_glass": names([39])})
    case.stops("apply", str(case.path / "acme.plan"))


def test_options_that_a_reviewed_plan_has_not(case: Case, saved: Path) -> None:
    case.stops("apply", str(saved), "--allow", "users.delete=5", "--reason", "OPS-1234")

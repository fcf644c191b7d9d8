"""Primary e-mails that leave the verified domains, where that costs a person the account."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import changes, live, live_user, only_step, planned, policy, user, warnings
from reconciler.planning import Plan

VERIFIED = ("example.com", "example.org")


def moved(before: Any, after: Any, *, domains: tuple[str, ...] = VERIFIED, unlinks: bool = True) -> Plan:
    found = live(live_user("u1", "ada", emails=before), email_domain_unlinks=unlinks)
    return planned([user("ada", emails=after)], found, policy(domains=domains))


def mail(address: str, **more: Any) -> dict[str, Any]:
    return {"value": address, "primary": True, **more}


ADA = mail("ada@example.com")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([ADA], [mail("ada@example.net")], True),
        ([ADA], [mail("ada@EXAMPLE.ORG")], False),
        ([ADA], [mail("ada@sub.example.com")], True),
        ([ADA], [mail("countess@example.com")], False),
        ([mail("ada@example.net")], [ADA], False),
        ([mail("ada@example.net")], [mail("countess@example.net")], False),
        ([mail("ada@example.net")], [mail("ada@example.info")], True),
        ([], [mail("ada@example.net")], True),
        ([ADA], [ADA, {"value": "ada@example.net"}], False),
        ([ADA], None, False),
    ],
)
def test_only_a_primary_e_mail_that_goes_to_another_domain_is_flagged(before: Any, after: Any, told: bool) -> None:
    assert ("e-mail-domain" in warnings(moved(before, after))) is told


def test_it_is_an_identity_change_with_its_consequence_and_what_to_do() -> None:
    made = moved([ADA], [mail("ada@example.net")])
    [change] = [one for one in only_step(made).changes if one.path == "emails"]
    assert change.identity
    assert change.details[-1].startswith("! leaves the verified domains: the directory unlinks the account")
    [note] = [note for note in made.notes if note.code == "e-mail-domain"]
    assert note.origin == "ada/emails:1"
    assert "user:ada leaves the verified domains (example.com → example.net)" in note.message
    assert "drops its memberships, and SCIM does not show it" in note.message
    assert "de-provisioned and provisioned again" in note.message


def test_where_the_domains_are_not_stated_every_move_is_flagged_more_mildly() -> None:
    made = moved([ADA], [mail("ada@example.org")], domains=())
    [message] = warnings(made)["e-mail-domain"]
    assert "if example.org is not verified" in message
    assert "State `domains: [example.org, …]` in directory.yaml" in message


def test_a_company_that_moves_is_not_warned_of_person_by_person() -> None:
    people = [live_user(f"u{number}", f"p{number}", emails=[mail(f"p{number}@example.com")]) for number in range(25)]
    listed = [user(f"p{number}", emails=[mail(f"p{number}@example.net")]) for number in range(25)]
    made = planned(listed, live(*people, email_domain_unlinks=True), policy(domains=VERIFIED))
    told = warnings(made)["e-mail-domain"]
    assert len(told) == 21
    assert told[-1] == "the primary e-mails of 5 more users leave their domains likewise; their steps say so"
    assert all(step.changes[0].details[-1].startswith("! leaves") for step in made.steps)


def test_elsewhere_a_domain_means_nothing() -> None:
    made = moved([ADA], [mail("ada@example.net")], unlinks=False)
    assert warnings(made) == {}
    assert set(changes(only_step(made))) == {"emails"}

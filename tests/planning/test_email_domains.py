"""Primary e-mails that leave the verified domains, where that costs a person the account."""

from __future__ import annotations

from typing import Any

import pytest

from desired_and_live import changes, live, live_user, only_step, planned, policy, user, warnings
from reconciler.diagnostics import DiagnosticsError
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
    assert told[-1] == "the addresses of 5 more users leave their domains likewise; their steps say so"
    assert all(step.changes[0].details[-1].startswith("! leaves") for step in made.steps)


def test_where_no_account_depends_on_it_leaving_the_stated_domains_is_told_without_that() -> None:
    made = moved([ADA], [mail("ada@example.net")], unlinks=False)
    assert warnings(made)["e-mail-domain"] == [
        "the primary e-mail of user:ada leaves the verified domains (example.com → example.net)"
    ]
    assert only_step(made).changes[0].details[-1] == "! leaves the verified domains"


def test_where_no_account_depends_on_it_and_none_are_stated_a_domain_means_nothing() -> None:
    made = moved([ADA], [mail("ada@example.net")], domains=(), unlinks=False)
    assert warnings(made) == {}
    assert set(changes(only_step(made))) == {"emails"}


@pytest.mark.parametrize("unlinks", [True, False])
def test_a_user_name_that_leaves_the_verified_domains_is_told(unlinks: bool) -> None:
    found = live(live_user("u1", "ada@example.com"), email_domain_unlinks=unlinks)
    made = planned([user("ada@example.net", id="u1")], found, policy(domains=VERIFIED))
    assert warnings(made)["e-mail-domain"] == [
        "the userName of user:ada@example.net leaves the verified domains (example.com → example.net)"
    ]
    assert only_step(made).changes[0].identity


def created(name: str, *emails: Any, domains: tuple[str, ...] = VERIFIED) -> list[str]:
    """Return why this user is not created, each with its place; nothing where it is."""
    try:
        planned([user(name, emails=list(emails))], live(), policy(domains=domains))
    except DiagnosticsError as refused:
        return [f"{problem.origin} {problem.text}" for problem in refused.diagnostics]
    return []


@pytest.mark.parametrize(
    ("name", "emails", "refused"),
    [
        ("ada", [], []),
        ("ada", [ADA], []),
        ("ada", [mail("ada@Example.ORG")], []),
        ("ada", [mail("ada@example.net")], ["ada/emails/0/value:1 ada@example.net"]),
        ("ada", [mail("ada@sub.example.com")], ["ada/emails/0/value:1 ada@sub.example.com"]),
        ("ada", [mail("ada@example.com.net")], ["ada/emails/0/value:1 ada@example.com.net"]),
        ("ada", [ADA, {"value": "ada@example.net"}], ["ada/emails/1/value:1 ada@example.net"]),
        ("ada@example.com", [], []),
        ("ada@example.net", [], ["ada@example.net/userName:1 ada@example.net"]),
        ("ada@example.net", [mail("Ada@example.net")], ["ada@example.net/emails/0/value:1 Ada@example.net"]),
        ("@ada", [], []),
        ("ada@", [], []),
    ],
)
def test_a_user_outside_the_verified_domains_is_not_created(name: str, emails: list[Any], refused: list[str]) -> None:
    assert created(name, *emails) == refused


def test_where_no_domains_are_stated_everybody_is_created() -> None:
    assert created("ada@example.net", mail("ada@example.net"), domains=()) == []


@pytest.mark.parametrize(
    ("stated", "written", "inside"),
    [
        ("münchen.example", "xn--mnchen-3ya.example", True),
        ("XN--MNCHEN-3YA.example", "MÜNCHEN.EXAMPLE", True),
        ("mu\u0308nchen.example", "münchen.example", True),
        ("example.com", "\N{FULLWIDTH LATIN SMALL LETTER E}xample.com", True),
        ("straße.example", "STRASSE.example", False),
        ("a_b.example", "A_B.example", True),
    ],
)
def test_a_domain_is_the_same_in_all_its_spellings(stated: str, written: str, inside: bool) -> None:
    assert (created("ada", mail(f"ada@{written}"), domains=(stated,)) == []) is inside


def test_the_refusal_says_what_to_do_if_the_domain_is_verified() -> None:
    with pytest.raises(DiagnosticsError) as refused:
        planned([user("ada", emails=[mail("ada@example.net")])], live(), policy(domains=VERIFIED))
    [problem] = refused.value.diagnostics
    assert problem.message == (
        "user:ada would be created with the e-mail 'ada@example.net', outside the verified domains"
    )
    assert problem.hint == "if the organization has verified example.net, add it to domains in directory.yaml"

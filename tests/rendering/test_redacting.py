"""A redacted plan tells what happens, and of nobody who it is."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access_plans import nested_access
from golden_files import assert_golden
from plan_parts import group_step, listed, make_plan, user_step
from reconciler.api import render
from reconciler.model import Kind, TimerName
from reconciler.planning import Action, Change, Edge, Note, Plan, PlanFileError, Reason, Verdict, decode
from reconciler.planning.document import check_digest, encode
from reconciler.planning.effect import AccessChange, Effect, GroupEffect, UserEffect
from reconciler.planning.plan import Allowed, DesiredIdentity, DirectoryIdentity, Grace, LeftOut, Pending, Since, Step
from reconciler.rendering.redacting import REDACTED, redacted
from sample_plans import SAMPLES
from thoroughness import cases

FORMATS: tuple[Literal["text", "markdown", "json", "html"], ...] = ("text", "markdown", "json", "html")

# Who and what a plan may hold. The letters are those of no word that a rendering has of its own.

letters = st.text(alphabet="qxzjQXZJ", min_size=4, max_size=7)
beyond = st.text(alphabet="ÞþŁłЖ中文字", min_size=4, max_size=6)
words = letters | beyond
names = st.one_of(
    words,
    st.builds("{}@{}.example".format, letters, letters),
    st.builds("{}.{}@{}.example".format, letters, letters, letters),
    st.builds("{} {}".format, words, words),
    st.builds("{}|`{}`".format, letters, letters),
    st.builds("{}<{}>\u202e".format, letters, letters),
)


@st.composite
def people(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw people with attributes and ids; some ids are made of the name, as some directories do."""
    found = []
    for number, name in enumerate(draw(st.lists(names, min_size=1, max_size=5, unique=True))):
        plain = f"{number}819c223-7f76-453a-919d-413861904646"
        given_name, family = draw(words), draw(words)
        found.append(
            {
                "id": draw(st.sampled_from([plain, plain, None, name, f"usr-{name.partition('@')[0]}-{number}"])),
                "userName": name,
                "name": {"givenName": given_name, "familyName": family, "formatted": f"{given_name} {family}"},
                "displayName": f"{given_name} {family}",
                "emails": [{"value": f"{draw(letters)}@{draw(letters)}.example", "type": "work", "primary": True}],
                "phoneNumbers": [{"value": "".join(draw(st.lists(st.sampled_from("789"), min_size=7, max_size=9)))}],
                "title": draw(words),
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": {"value": draw(words)},
            }
        )
    return found


def secrets(person: dict[str, Any]) -> Iterator[str]:
    """Yield every text among a person's attributes that could tell who it is."""

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from (text for key, inner in value.items() if key != "type" for text in texts(inner))
        elif isinstance(value, list):
            yield from (text for inner in value for text in texts(inner))

    yield from (text for key, value in person.items() if key != "id" for text in texts(value) if len(text) >= 3)


def plan_of(persons: Sequence[dict[str, Any]], action: Action) -> Plan:
    """Return a plan in which the people appear in every place where a plan can name somebody."""
    steps, edges, users = [], [], []
    for person in persons:
        name, step_action = person["userName"], Action.CREATE if person["id"] is None else action
        changes = tuple(
            Change(
                path=path, before=None if step_action is Action.CREATE else value, after=value, details=(f"+ {name}",)
            )
            for path, value in person.items()
            if path != "id"
        )
        steps.append(
            user_step(
                step_action,
                name,
                Reason.DIFFERS,
                resource_id=person["id"],
                changes=changes,
                note=f"{name} asked for it",
                origin=f"users/{name.partition('@')[0]}.yaml:3",
            )
        )
        edges.append(
            Edge(name=name, id=person["id"], reason=Reason.MATCHED, rule=f'userName eq "{name}"', note=f"for {name}")
        )
        users.append(UserEffect(name=name, id=person["id"], before=1, after=0, kept=("team-core",)))
    everybody = tuple(person["userName"] for person in persons)
    first, ids = everybody[0], tuple(person["id"] for person in persons if person["id"] is not None)
    change = AccessChange(step=f"{action} user:{first}", users=everybody, via=("team-core",))
    members = group_step(
        Action.ADD_MEMBERS, "team-core", members=tuple(edges), needs=tuple(step.id for step in steps), note=first
    )
    return make_plan(
        *steps,
        members,
        only=(f"user:{first}", f'users[userName eq "{first}"]'),
        exclude=(f"user:{everybody[-1]}",),
        reason=f"because of {first}",
        since=Since(ref=f"{first}/branch", commit="4f2c1e9b7a6d", users=1, groups=0, listed_again=ids),
        allowances=(Allowed(allowance=f"user:{first}/protected", reason=first),),
        guards=(
            Verdict(
                guard="protected",
                passed=False,
                number=1,
                limit="0",
                subject=f"user:{first}",
                resources=tuple(f"user:{name}" for name in everybody),
                how_to_allow=f"remove `protected: true` at users/{first.partition('@')[0]}.yaml:7",
            ),
            Verdict(guard="users.delete", passed=True, number=1, limit="1", allowed_by=f"{first} is gone"),
        ),
        notes=(
            Note(severity="warning", code="left-alone", message=f"left alone: {first}"),
            Note(severity="warning", code="not-kept", message=f"the directory does not keep the title of {first}"),
        ),
        pending=tuple(
            Pending(
                action=Action.DELETE,
                kind=Kind.USER,
                id=person["id"],
                name=person["userName"],
                timer=TimerName.DEACTIVATED,
                since="2026-11-22T00:00:00Z",
                until="2026-11-29T00:00:00Z",
            )
            for person in persons
            if person["id"] is not None
        ),
        left_out=(
            LeftOut(step=f"delete user:{first}", why=f"needs “{action} user:{first}”"),
            LeftOut(step=f'update user:"{first} (x)" (new)', why="only"),
        ),
        effect=Effect(
            groups=(GroupEffect(name="team-core", gained=(change,), lost=(change,), kept=everybody),),
            users=tuple(users),
        ),
    )


def renderings(plan: Plan) -> Iterator[str]:
    for form in FORMATS:
        rendered = render(plan, form, full=True, left_out=True)
        yield rendered
        if form == "json":
            yield json.dumps(json.loads(rendered), ensure_ascii=False)


@settings(max_examples=cases(15, thorough=400), deadline=None)
@given(persons=people(), action=st.sampled_from([Action.UPDATE, Action.DEACTIVATE, Action.DELETE]))
def test_no_rendering_of_a_redacted_plan_holds_a_name_or_an_address(
    persons: list[dict[str, Any]], action: Action
) -> None:
    plan = redacted(plan_of(persons, action))
    for rendered in renderings(plan):
        for person in persons:
            for secret in secrets(person):
                assert secret not in rendered
                assert json.dumps(secret)[1:-1] not in rendered


@settings(max_examples=cases(20, thorough=400), deadline=None)
@given(persons=people())
def test_two_people_are_never_one(persons: list[dict[str, Any]]) -> None:
    (*steps, members) = redacted(plan_of(persons, Action.UPDATE)).steps
    shown = [step.name for step in steps]
    assert len({name.casefold() for name in shown}) == len(persons)
    assert [edge.name for edge in members.members] == shown


def test_a_person_is_the_same_throughout() -> None:
    plan = redacted(nested_access())
    by_step = {step.name for step in plan.steps if step.kind == "User"}
    by_effect = {user.name for user in plan.effect.users}
    assert by_step <= by_effect | {step.name for step in plan.steps if step.action is Action.CREATE}
    assert {user for group in plan.effect.groups for change in group.lost for user in change.users} <= by_effect


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_redacted_plan_reads_as_it_did_when_it_was_last_looked_at(form: Literal["text", "markdown"]) -> None:
    ending = {"text": "txt", "markdown": "md"}[form]
    assert_golden(f"every_kind.redacted.{ending}", render(SAMPLES["every_kind"](), form, redact=True))


def test_somebody_who_is_renamed_stays_one_person() -> None:
    rename = user_step(
        Action.UPDATE,
        "ada@example.com",
        Reason.RENAMED,
        resource_id="u1",
        changes=(Change(path="userName", before="ada@example.com", after="lovelace@example.com", identity=True),),
    )
    gains = GroupEffect(name="team", gained=(AccessChange(step=rename.id, users=("lovelace@example.com",)),))
    plan = redacted(
        make_plan(
            rename,
            effect=Effect(
                groups=(gains,), users=(UserEffect(name="lovelace@example.com", id="u1", before=0, after=1),)
            ),
        )
    )
    assert plan.steps[0].name == "u1"
    assert plan.effect.groups[0].gained == (AccessChange(step="update user:u1", users=("u1",)),)


def test_a_name_that_is_handed_on_stands_for_nobody_in_particular_where_it_alone_is_given() -> None:
    leaves = user_step(
        Action.UPDATE,
        "desk@example.com",
        Reason.RENAMED,
        resource_id="u1",
        changes=(Change(path="userName", before="desk@example.com", after="ada@example.com", identity=True),),
    )
    comes = user_step(Action.CREATE, "desk@example.com", Reason.NOT_IN_DIRECTORY)
    verdict = Verdict(guard="protected", passed=False, number=1, limit="0", subject="user:desk@example.com")
    plan = redacted(make_plan(leaves, comes, guards=(verdict,)))
    assert len({plan.steps[0].address, plan.steps[1].address, plan.guards[0].subject}) == 3


@pytest.mark.parametrize(
    ("name", "user_id", "shown"),
    [
        ("ada.lovelace@example.com", "2819c223-7f76", "2819c223-7f76"),
        ("ada.lovelace@example.com", None, "AL1"),
        ("ada.lovelace@example.com", "ada.lovelace@example.com", "AL1"),
        ("ada.lovelace@example.com", "usr_lovelace_7", "AL1"),
        ("ada.lovelace@example.com", "x\u202ey", "AL1"),
        ("爱达", None, "爱1"),
        ("12345", None, "U1"),
    ],
)
def test_an_id_stands_for_a_person_unless_it_tells_the_name(name: str, user_id: str | None, shown: str) -> None:
    action = Action.CREATE if user_id is None else Action.DELETE
    plan = redacted(make_plan(user_step(action, name, Reason.UNLISTED, resource_id=user_id)))
    assert plan.steps[0].name == shown


def test_people_with_the_same_initials_are_numbered_and_keep_apart_from_ids() -> None:
    steps = [user_step(Action.CREATE, f"ada.l{letter}@example.com", Reason.LISTED) for letter in string.ascii_lowercase]
    taken = user_step(Action.DELETE, "grace@example.com", Reason.UNLISTED, resource_id="al2")
    shown = [step.name for step in redacted(make_plan(*steps, taken)).steps]
    assert shown[:2] == ["AL1", "AL3"]
    assert shown[-1] == "al2"
    assert len(set(shown)) == len(shown)


def test_what_a_reviewer_needs_stays() -> None:
    plan = SAMPLES["every_kind"]()
    hidden = redacted(plan)
    assert hidden.summary == plan.summary
    assert [step.action for step in hidden.steps] == [step.action for step in plan.steps]
    assert [step.name for step in hidden.steps if step.kind == "Group"] == [
        step.name for step in plan.steps if step.kind == "Group"
    ]
    assert [change.path for step in hidden.steps for change in step.changes] == [
        change.path for step in plan.steps for change in step.changes
    ]
    (active,) = [change for step in hidden.steps if step.action is Action.REACTIVATE for change in step.changes]
    assert (active.before, active.after) == (False, True)
    assert {edge.origin for step in hidden.steps for edge in step.members} == {
        edge.origin for step in plan.steps for edge in step.members
    }


def test_a_file_that_is_named_after_somebody_is_withheld_with_its_line_left() -> None:
    steps = (
        user_step(Action.CREATE, "ada.lovelace@example.com", Reason.LISTED, origin="users/ada-lovelace.yaml:3"),
        group_step(Action.ADD_MEMBERS, "team", origin="groups/team.yaml:2", members=(listed("grace@example.com", 9),)),
    )
    plan = redacted(make_plan(*steps))
    assert [step.origin for step in plan.steps] == [f"{REDACTED}:3", "groups/team.yaml:2"]


def test_a_rule_keeps_its_attributes_and_not_its_literals() -> None:
    edge = Edge(
        name="ada@example.com", reason=Reason.MATCHED, rule='manager.displayName eq "Grace Example" and active eq true'
    )
    plan = redacted(make_plan(group_step(Action.ADD_MEMBERS, "team", members=(edge,))))
    assert plan.steps[0].members[0].rule == 'manager.displayName eq "…" and active eq true'


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_every_rendering_says_that_it_is_redacted_and_of_which_plan(form: Any, name: str) -> None:
    plan = SAMPLES[name]()
    rendered = render(plan, form, redact=True)
    assert '"redacted": true' in rendered or "Redacted" in rendered
    assert plan.digest in rendered


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_redacted_cannot_be_applied(name: str) -> None:
    plan = redacted(SAMPLES[name]())
    for refused in (plan, msgspec.structs.replace(plan, redacted=False)):
        with pytest.raises(PlanFileError):
            check_digest(refused)
    with pytest.raises(PlanFileError, match="the plan is redacted: it was written to be read"):
        decode(encode(plan))


CONSIDERED = {
    Plan: "format tool directory desired live as_of capabilities confirm_replace reason undoes only exclude allowances "
    "guards notes pending left_out since steps effect digest signature redacted",
    Step: "id action kind name reason chunk resource_id correlated_by changes members needs replaces precondition "
    "origin note min_members grace privileged",
    Change: "path before after identity details origin",
    Edge: "name reason kind id via origin note rule",
    Effect: "groups users unknown",
    GroupEffect: "name id before after gained lost kept",
    UserEffect: "name id before after kept",
    AccessChange: "step users via",
    Verdict: "guard passed number limit subject resources allowed_by how_to_allow",
    Note: "severity code message origin",
    Pending: "action kind id name timer since until",
    LeftOut: "step why members",
    Allowed: "allowance reason",
    Since: "ref commit users groups listed_again",
    DirectoryIdentity: "name base_url dialect",
    DesiredIdentity: "digest files commit users groups",
    Grace: "timer since until",
}


@pytest.mark.parametrize("part", CONSIDERED)
def test_every_field_of_a_plan_was_considered(part: type[msgspec.Struct]) -> None:
    """Whoever adds a field decides whether it can name a person, and says so in the redaction and here."""
    assert [field.name for field in msgspec.structs.fields(part)] == CONSIDERED[part].split()


def test_redacting_twice_changes_nothing_more() -> None:
    once = redacted(nested_access())
    assert redacted(once) is once

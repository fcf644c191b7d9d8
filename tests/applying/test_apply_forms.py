"""Membership changes on directories that misread some forms of them: found out on one, put right, not repeated."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from loopback import Reply, Request, error
from meddler import Between, Forward, Interpose, Meddle, Once, look, user
from misreading import (
    Effect,
    carries_out_the_first,
    empties,
    forms_sent,
    ignores,
    merges,
    misreading,
    refuses,
    replaces,
    truncates,
    works,
    writing,
)
from reconciler.applying import RunResult, Status
from reconciler.desired import load
from reconciler.planning import plan

LETTERS = "abcdefgh"
GROUPS = 4


def addresses(letters: str) -> list[str]:
    return [f"{letter}@example.com" for letter in letters]


def seed(members: str, groups: int = GROUPS) -> dict[str, Any]:
    return {
        "users": [user(letter) for letter in LETTERS],
        "groups": [{"displayName": f"team-{number}", "members": addresses(members)} for number in range(groups)],
    }


def files(members: str, groups: int = GROUPS) -> str:
    users = "".join(f"  - {{userName: {name}}}\n" for name in addresses(LETTERS))
    listed = ", ".join(addresses(members))
    return f"users:\n{users}groups:\n" + "".join(
        f"  - {{displayName: team-{number}, members: [{listed}]}}\n" for number in range(groups)
    )


def apply(made: Between, yaml: str, **capabilities: Any) -> RunResult:
    live = made.direct.live()
    live = replace(live, capabilities=replace(live.capabilities, **capabilities))
    made.scenario.write(yaml)
    return made.scenario.apply_to(plan(load(made.scenario.workspace).desired, live, as_of=made.scenario.as_of), live)


def converged(made: Between, result: RunResult) -> None:
    assert [outcome.message for outcome in result.outcomes if outcome.status is not Status.APPLIED] == []
    assert made.direct.plan().steps == ()


@pytest.mark.parametrize(
    ("effects", "right"),
    [
        *(
            pytest.param({"remove_path_filter": refuses(status)}, "put", id=f"path filters are answered with {status}")
            for status in (400, 405, 500, 501)
        ),
        pytest.param({"remove_path_filter": ignores}, "put", id="path filters are ignored"),
        pytest.param({"remove_path_filter": empties}, "put", id="path filters empty the group"),
        pytest.param(
            {"remove_path_filter": empties, "put": ignores}, "remove value-array", id="and PUT ignores members"
        ),
        pytest.param(
            {"remove_path_filter": refuses(500), "put": merges, "remove_value_array": empties},
            "remove nested-value",
            id="and PUT merges, and the value array empties the group",
        ),
        pytest.param(
            {"remove_path_filter": refuses(501), "put": refuses(405), "remove_value_array": refuses(400)},
            "remove nested-value",
            id="only a nested value is understood",
        ),
    ],
)
def test_removals_end_in_a_form_that_works_and_harm_nobody(
    between: Interpose, effects: dict[str, Effect], right: str
) -> None:
    made = between(misreading(**effects), seed=seed("abcdef"))
    result = apply(made, files("abcd"))
    converged(made, result)
    sent = Counter(forms_sent(made.meddler.requests))
    # The group that was emptied gets its members back by an addition.
    assert {form: sent[form] for form in sent if form not in (right, "add value-array")} == {
        form.replace("_", " ", 1).replace("_", "-"): 1 for form in effects
    }


@pytest.mark.parametrize(
    ("effects", "right"),
    [
        *(
            pytest.param(
                {"add_value_array": refuses(status)}, "add nested-value", id=f"value arrays are answered with {status}"
            )
            for status in (400, 500, 501)
        ),
        pytest.param({"add_value_array": ignores}, "add nested-value", id="value arrays are ignored"),
        pytest.param({"add_value_array": replaces}, "add nested-value", id="value arrays replace the members"),
        pytest.param(
            {"add_value_array": replaces, "add_nested_value": refuses(400)}, "put", id="and nested values are refused"
        ),
    ],
)
def test_additions_end_in_a_form_that_works_and_harm_nobody(
    between: Interpose, effects: dict[str, Effect], right: str
) -> None:
    made = between(misreading(**effects), seed=seed("ab"))
    converged(made, apply(made, files("abcdef")))
    sent = Counter(forms_sent(made.meddler.requests))
    # A form that was not disproven yet may be used for putting back, too, whole and in halves.
    assert all(sent[form] <= 4 for form in sent if form != right)


@pytest.mark.parametrize("effect", [ignores, refuses(400), refuses(501)], ids=["ignored", "400", "501"])
def test_where_no_form_works_it_is_said_once_and_nothing_further_is_sent(between: Interpose, effect: Effect) -> None:
    removals = {"remove_path_filter": effect, "remove_value_array": effect, "remove_nested_value": effect}
    made = between(misreading(**removals, put=effect), seed=seed("abcdef", groups=8))
    result = apply(made, files("abcd", groups=8))
    assert result.counts[Status.FAILED] == 8
    last = result.outcomes[-1].message
    assert "no form that is known removes members in this directory (member_remove; " in last
    for form in ("path-filter: ", "put: ", "value-array: ", "nested-value: "):
        assert form in last
    # Three groups at most: one member of each in four forms, the other in one.
    assert len(forms_sent(made.meddler.requests)) <= 3 * 5
    assert all(made.direct.members(f"team-{number}") == set(addresses("abcdef")) for number in range(8))


def test_where_every_form_empties_the_group_nobody_is_missing_in_the_end(between: Interpose) -> None:
    removals = {"remove_path_filter": empties, "remove_value_array": empties, "remove_nested_value": empties}
    made = between(misreading(**removals, put=ignores), seed=seed("abcdef", groups=8))
    result = apply(made, files("abcd", groups=8))
    # One group for each form, which was put right; those that come after are not touched.
    assert result.counts == {**dict.fromkeys(Status, 0), Status.APPLIED: 3, Status.FAILED: 5}
    assert all(made.direct.members(f"team-{number}") >= set(addresses("abcd")) for number in range(8))
    assert Counter(forms_sent(made.meddler.requests))["put"] <= 3


def test_a_group_of_which_everybody_is_removed_does_not_prove_a_form_for_others(between: Interpose) -> None:
    made = between(misreading(remove_path_filter=empties), seed=seed("abcdef"))
    yaml = files("abcd").replace(
        "team-0, members: [a@example.com, b@example.com, c@example.com, d@example.com]", "team-0, members: []"
    )
    made.scenario.concurrency = 1
    converged(made, apply(made, yaml))


@pytest.mark.parametrize("effect", [truncates(3), carries_out_the_first], ids=["three", "one"])
def test_members_that_a_server_leaves_out_silently_are_sent_again_in_smaller_batches(
    between: Interpose, effect: Effect
) -> None:
    made = between(misreading(add_value_array=effect), seed=seed("", groups=2))
    made.scenario.concurrency = 1
    converged(made, apply(made, files(LETTERS, groups=2)))
    sizes = [len(found.ids) for request in made.meddler.requests if (found := writing(request)) is not None]
    size = 3 if effect is not carries_out_the_first else 1
    # After the first group the size is known.
    assert max(sizes[1:]) == size
    assert sizes[0] == len(LETTERS)


@pytest.mark.parametrize("effect", [truncates(2), carries_out_the_first], ids=["two", "one"])
def test_removals_that_a_server_leaves_out_silently_are_sent_again(between: Interpose, effect: Effect) -> None:
    made = between(misreading(remove_path_filter=effect), seed=seed(LETTERS, groups=2))
    converged(made, apply(made, files("a", groups=2)))


def test_what_a_run_found_out_about_a_form_is_told(between: Interpose) -> None:
    made = between(misreading(remove_path_filter=refuses(501)), seed=seed("abc", groups=1))
    (outcome,) = apply(made, files("ab", groups=1)).outcomes
    assert outcome.status is Status.APPLIED
    assert outcome.message.startswith("path-filter does not work here (PATCH /Groups/")
    assert outcome.message.endswith("501: not like this)); put does")


def test_one_bad_member_at_the_front_says_nothing_against_a_form(between: Interpose) -> None:
    """The server refuses whole requests for one member, with the status that others have for unknown forms."""

    def meddle(request: Request, forward: Forward) -> Reply:
        found = writing(request)
        return error(400, "no such user") if found and bad[0] in found.ids else forward(request)

    bad = ["nobody yet"]
    made = between(meddle, seed=seed("abc"))
    bad[0] = made.id_of("d@example.com")
    result = apply(made, files("abcdefgh"))
    assert [made.direct.members(f"team-{number}") for number in range(GROUPS)] == [set(addresses("abcefgh"))] * GROUPS
    assert result.counts[Status.FAILED] == GROUPS
    assert all("1 of 5 memberships were not changed: d@example.com" in outcome.message for outcome in result.outcomes)


def test_a_body_that_is_too_large_is_halved_and_the_size_remembered(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        found = writing(request)
        return error(413, "too large") if found and len(found.ids) > 3 else forward(request)

    made = between(meddle, seed=seed("", groups=3))
    made.scenario.concurrency = 1
    converged(made, apply(made, files(LETTERS, groups=3)))
    sizes = [len(found.ids) for request in made.meddler.requests if (found := writing(request)) is not None]
    assert sizes == [8, 4, *[2] * 12]


def test_no_body_is_larger_than_the_directory_takes(between: Interpose) -> None:
    made = between(misreading(), seed=seed("", groups=2))
    converged(made, apply(made, files(LETTERS, groups=2), max_body_bytes=300))
    assert max(len(request.body) for request in made.meddler.requests) <= 300


def test_a_put_that_is_larger_than_the_directory_takes_is_not_sent(between: Interpose) -> None:
    made = between(misreading(), seed=seed("abcdef", groups=1))
    (outcome,) = apply(made, files("abcdefg", groups=1), patch_groups=False, max_body_bytes=300).outcomes
    assert outcome.status is Status.FAILED
    assert "bytes, and the directory takes 300 (capability max_body_bytes)" in outcome.message
    assert forms_sent(made.meddler.requests) == []


def test_a_directory_without_any_verb_for_groups_is_told_so(between: Interpose) -> None:
    made = between(misreading(), seed=seed("abc", groups=1))
    (outcome,) = apply(made, files("abcd", groups=1), patch_groups=False, put_groups=False).outcomes
    assert outcome.status is Status.FAILED
    assert "no form that is known adds members in this directory (member_add; none is possible)" in outcome.message
    assert forms_sent(made.meddler.requests) == []


@pytest.mark.parametrize("status", [400, 501])
def test_a_form_whose_answer_was_lost_is_judged_by_what_it_did(between: Interpose, status: int) -> None:
    """The first removal empties the group and its answer is lost; nobody may be missing afterwards."""
    once = Once()
    inner: Meddle = misreading(remove_path_filter=empties, remove_value_array=refuses(status))

    def meddle(request: Request, forward: Forward) -> Reply:
        reply = inner(request, forward)
        found = writing(request)
        return Reply(reset=True) if once(found is not None and found.form == "remove path-filter") else reply

    made = between(meddle, seed=seed("abcdef"))
    converged(made, apply(made, files("abcd")))


EFFECTS: tuple[Effect, ...] = (
    works,
    works,
    ignores,
    empties,
    replaces,
    refuses(400),
    refuses(500),
    refuses(501),
    truncates(1),
    truncates(2),
)
FORMS = (
    "add_value_array",
    "add_nested_value",
    "remove_path_filter",
    "remove_value_array",
    "remove_nested_value",
    "put",
)


@pytest.mark.parametrize("number", range(12))
def test_whatever_a_directory_misreads_nobody_is_missing_in_the_end(between: Interpose, number: int) -> None:
    """Twelve directories that misread at random, always the same: each is converged, or says so and harms nobody."""
    chance = random.Random(number)  # noqa: S311  # the same every time, not a secret
    effects = {form: chance.choice(EFFECTS) for form in FORMS}
    made = between(misreading(**effects), seed=seed("abcdef", groups=3))
    result = apply(made, files("abcdgh", groups=3))
    for group in range(3):
        members = made.direct.members(f"team-{group}")
        assert members <= set(addresses(LETTERS))
        assert result.stopped or members >= set(addresses("abcd"))
    if result.complete:
        assert made.direct.plan().steps == ()


@pytest.mark.parametrize("put_only", [True, False], ids=["only PUT", "path filters are ignored"])
@pytest.mark.parametrize("late", [2, 6, 40])
def test_a_put_takes_nobody_out_whom_reads_do_not_show_yet(between: Interpose, put_only: bool, late: int) -> None:
    """Who was added a moment ago is invisible for some reads; a PUT made of those would take them out again."""
    before: list[Reply] = []
    reads = [0]
    inner = misreading(remove_path_filter=ignores)

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "GET" and "/Groups/" in request.path and before:
            reads[0] += 1
            if reads[0] <= late:
                return before[0]
        if writing(request) is not None and not before:
            before.append(look(request, forward))
        return inner(request, forward)

    made = between(meddle, seed=seed("abc", groups=1))
    apply(made, files("bcde", groups=1), patch_groups=not put_only)
    # The first addition was accepted. Whether the second is sent at all depends on how late the reads are.
    assert made.direct.members("team-0") >= set(addresses("bcd"))


def test_a_put_is_not_sent_without_the_version_that_was_refused(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return error(412, "no such version") if "if-match" in request.headers else forward(request)

    made = between(meddle, seed=seed("abc", groups=1))
    (outcome,) = apply(made, files("abcd", groups=1), patch_groups=False).outcomes
    assert outcome.status is Status.FAILED
    assert "the directory refuses the very version that it shows" in outcome.message
    assert len(forms_sent(made.meddler.requests)) == 1

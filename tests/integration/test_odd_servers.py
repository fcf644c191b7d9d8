"""Servers that nobody has seen, as `dialect: generic` without a word about them: it converges, or says why it cannot.

The server is a program of its own, and its oddities are those of real ones, one by one and mixed. The story goes
through creations, updates, renames, memberships in both directions, deactivations, returns and deletions. After every
run it is looked at from behind: nobody may be gone, out of a group, shut out or there twice whom the files keep.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from odd_server_quirks import Quirks, topics
from odd_server_story import tell
from thoroughness import THOROUGH, cases


@dataclass(frozen=True)
class Expected:
    """How the story ends.

    Attributes:
        converges: whether nothing is left to do in the end.
        says: a pattern of what a person is told.
    """

    converges: bool = True
    says: str = ""


CONVERGES = Expected()


def converges_and_says(pattern: str) -> Expected:
    return Expected(True, pattern)


def says(pattern: str) -> Expected:
    return Expected(False, pattern)


NOT_KEPT = "the directory does not keep"
NO_FORM = "no form that is known {} members in this directory"
GROUP_RENAME = "state `group_rename: false` under `capabilities`"
IGNORES_PAGES = "the server ignores startIndex.*state `paging: filter-only`"
HIDDEN = "may be one that the directory hides.*Bring it back there"
ANONYMOUS = "groups name their members by .*, and not by their ids"

# What is not named here converges without a word.
ONE_BY_ONE: Mapping[tuple[str, str], Expected] = {
    ("member_names", "userName"): says(ANONYMOUS),
    ("member_names", "display"): converges_and_says(ANONYMOUS + ".*What users say of their own groups is used instead"),
    ("paging", "first 50"): says(IGNORES_PAGES),
    ("group_name", "400"): says("displayName cannot be changed.*" + GROUP_RENAME),
    ("group_name", "ignored"): converges_and_says('stores displayName "team-bee" as "team-b".*' + GROUP_RENAME),
    ("user_name", "400"): says("userName cannot be changed"),
    ("user_name", "ignored"): converges_and_says('stores userName "Renamed@example.com" as "u02@example.com"'),
    ("emails", "first only"): converges_and_says(
        r'stores emails \["u03@example.com", "three@example.org"\] as \["u03@example.com"\]'
    ),
    ("unknown", "400"): says("unknown attribute nickName"),
    ("unknown", "dropped"): converges_and_says(f'{NOT_KEPT} nickName "Uno"'),
    ("active", "missing"): says("does not show active, so nobody can tell whether the account works"),
    ("external_id", "dropped"): converges_and_says(f"{NOT_KEPT} externalId .* and so for 11 other users"),
    ("enterprise", "dropped"): converges_and_says(f"{NOT_KEPT} .*:User:department"),
    ("deleted", "deactivates"): converges_and_says("State `user_delete: soft`"),
    ("inactive", "hidden"): says(HIDDEN),
}

# Oddities that are overcome without a word, each once. Those of one server do not hide each other: what it is asked, or
# what it answers, differs for each of them, wherever it does for this oddity alone.
IN_SILENCE: Sequence[Mapping[str, str]] = (
    {
        "config": "404",
        "filters": "ignored",
        "remove_filter": "400",
        "created": "200",
        "active": "text",
        "patch_answer": "204",
    },
    {
        "config": "html",
        "filters": "400",
        "remove_filter": "500",
        "created": "Location only",
        "active": "Text",
        "deleted": "202",
    },
    {
        "patch": "405",
        "put_without_members": "keeps",
        "schemas": "404",
        "filters": "501",
        "duplicate": "400",
        "versions": "honoured",
    },
    {"config": "no patch", "types": "404", "ids": "integer", "created": "nothing", "order": "random"},
    {
        "patch": "501",
        "types": "html",
        "schemas": "html",
        "paging": "whole",
        "deleted": "200 with body",
        "user_groups": "never",
    },
    {
        "config": "bulk",
        "filters": "userName only",
        "remove_filter": "501",
        "patch_answer": "200 before the change",
        "duplicate": "500 html",
        "new_group": "needs members",
        "replace": "merges",
    },
    {
        "versions": "ignored",
        "paging": "50",
        "remove_filter": "ignored",
        "patch_verbs": "capitalised",
        "body": "byte order mark",
    },
    {"config": "boasts", "paging": "past end is first", "remove_filter": "one per request", "duplicate": "409 empty"},
    {
        "versions": "required",
        "paging": "count is 500",
        "remove_values": "400",
        "patch_operations": "first only",
        "body": "text/html",
    },
    {
        "paging": "from 0",
        "filters": "case",
        "add": "409 if present",
        "deleted": "leaves members",
        "new_group": "drops members",
    },
    {
        "total": "page",
        "patch_paths": "exact",
        "add": "twice is twice",
        "remove_values": "empties",
        "put": "405",
        "user_name": "lower",
    },
    {"filters": "externalId is 500", "add": "replaces", "config": "etag"},
    {"filters": "404 for nothing", "throttling": "now and then", "put": "members merged", "member_names": "ref"},
    {"replace": "ignored", "remove_values": "ignored", "reads": "late", "put": "members ignored"},
)

# Oddities that are worse together.
TOGETHER: Mapping[str, tuple[dict[str, str], Expected]] = {
    "no PATCH, and it does not say so": ({"patch": "405", "config": "404"}, CONVERGES),
    "no PATCH, and it says that there is": ({"patch": "501", "config": "boasts"}, CONVERGES),
    "no way to change anything": ({"patch": "405", "put": "405", "config": "404"}, says("PUT is not allowed")),
    "versions are required, and nobody says so": ({"versions": "required", "config": "404"}, CONVERGES),
    "versions are required by PUT": ({"versions": "required", "config": "404", "patch": "405"}, CONVERGES),
    "capitals, and another objection": (
        {"patch_verbs": "capitalised", "unknown": "400"},
        says("unknown attribute nickName"),
    ),
    "no removal works": (
        {"remove_filter": "400", "remove_values": "ignored", "put": "405"},
        says(NO_FORM.format("removes")),
    ),
    "PUT merges, and removals are refused": (
        {"remove_filter": "400", "remove_values": "400", "put": "members merged"},
        says(NO_FORM.format("removes")),
    ),
    "the removal that is left empties the group": (
        {"remove_filter": "400", "remove_values": "empties", "put": "members ignored"},
        CONVERGES,
    ),
    "additions replace, and PUT ignores": (
        {"add": "replaces", "put": "members ignored"},
        says("made others leave.*they were put back|" + NO_FORM.format("adds")),
    ),
    "PUT ignores, and there is nothing else": (
        {"patch": "405", "put": "members ignored", "config": "404"},
        says(NO_FORM.format("adds")),
    ),
    "the total is that of the page, which is cut": ({"total": "page", "paging": "50"}, CONVERGES),
    "the total is that of the only page": (
        {"total": "page", "paging": "first 50"},
        says("it is in the directory already.*the listing leaves it out: state `paging: filter-only`"),
    ),
    "the total is that of the page, which begins with the second": (
        {"total": "page", "paging": "from 0"},
        says(HIDDEN),
    ),
    "pages of rows in another order each time": (
        {"paging": "50", "order": "random"},
        says("the listing of Users is not complete"),
    ),
    "names in place of ids, and users tell no groups": (
        {"member_names": "userName", "user_groups": "never"},
        says(ANONYMOUS),
    ),
    "nothing tells who is in a group": (
        {"member_names": "display", "user_groups": "never"},
        says("the directory does not tell who is in"),
    ),
}
MIXTURES = int(os.environ.get("ODD_SERVER_MIXTURES", cases(6, thorough=30)))


def quirks(stated: Mapping[str, str]) -> Quirks:
    known: dict[str, Any] = dict(stated)
    return Quirks(**known)


def hold(odd: Quirks, expected: Expected | None, folder: Path, *, seed: int = 0) -> None:
    """Tell the story, and hold it against what is expected; of a mixture nothing but that it explains itself."""
    ended = tell(odd, folder, seed=seed)
    shown = f"{odd}:\n" + "\n".join(map(str, ended))
    assert not [step for one in ended for step in one.unexplained], shown
    assert all(one.converged or one.refusal or one.wrong or one.notes for one in ended), shown
    if expected is not None:
        assert all(one.converged for one in ended) is expected.converges, shown
        if expected.says:
            assert re.search(expected.says, shown), shown
        elif expected.converges:
            assert not any(one.notes or one.refusal for one in ended), shown


def test_the_server_itself_has_nothing_odd(tmp_path: Path) -> None:
    hold(Quirks(), CONVERGES, tmp_path)


EVERY = [(topic, value) for topic, values in topics().items() for value in values]


def test_every_oddity_has_its_place() -> None:
    silent = [oddity for server in IN_SILENCE for oddity in server.items()]
    assert sorted([*ONE_BY_ONE, *silent]) == sorted(EVERY)


@pytest.mark.parametrize("stated", IN_SILENCE, ids=lambda stated: str(quirks(stated)))
def test_some_oddities_at_a_time_are_overcome_without_a_word(stated: Mapping[str, str], tmp_path: Path) -> None:
    hold(quirks(stated), CONVERGES, tmp_path)


@pytest.mark.parametrize(("topic", "value"), EVERY if THOROUGH else ONE_BY_ONE)
def test_each_oddity_is_overcome_or_explained(topic: str, value: str, tmp_path: Path) -> None:
    hold(quirks({topic: value}), ONE_BY_ONE.get((topic, value), CONVERGES), tmp_path)


@pytest.mark.parametrize("case", TOGETHER)
def test_oddities_that_are_worse_together(case: str, tmp_path: Path) -> None:
    stated, expected = TOGETHER[case]
    hold(quirks(stated), expected, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(MIXTURES))
def test_any_mixture_is_overcome_or_explained_and_harms_nobody(seed: int, tmp_path: Path) -> None:
    hold(mixture(seed), None, tmp_path, seed=seed)


def mixture(seed: int) -> Quirks:
    """Return a server with three to nine oddities."""
    chance = random.Random(seed)  # noqa: S311  # no secret is made
    known = topics()
    chosen = chance.sample(sorted(known), chance.randint(3, 9))
    stated = {topic: chance.choice(known[topic]) for topic in chosen}
    if "member_names" in stated and stated.get("add") == "replaces":
        # Nobody can see who leaves there: see below.
        del stated["add"]
    return quirks(stated)


@pytest.mark.xfail(reason="who leaves a group that names nobody by id is not seen, and not put back", strict=True)
def test_additions_that_replace_the_members_of_a_group_that_names_nobody(tmp_path: Path) -> None:
    hold(quirks({"add": "replaces", "member_names": "display"}), None, tmp_path)

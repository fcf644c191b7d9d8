"""Drift as people and programs read it."""

from __future__ import annotations

import json

from desired_and_live import AS_OF, desired, group, live, live_group, live_user, policy, user
from reconciler.config import Unlisted
from reconciler.planning.drift import Drift, find_drift
from reconciler.rendering.drift import drift_document, render_drift

HOSTILE = "x\x1b[31m\n::error::\u202e"


def sample(accepted: dict[str, str] | None = None, *, recorded: bool = True) -> Drift:
    rules = policy(Unlisted.DEACTIVATE)
    ada, grace = user("ada@example.com", title="Engineer"), user("grace@example.com", title="Engineer")
    last = desired(ada, grace, group("team-a", ["ada@example.com"]), rules=rules)
    now = desired(
        ada,
        user("grace@example.com", title="Chair", nickName="G"),
        group("team-a", ["ada@example.com", "grace@example.com"]),
        rules=rules,
    )
    found = live(
        live_user("u1", "ada@example.com", title="Boss"),
        live_user("u2", "grace@example.com", title="Intern"),
        live_user("u3", "eve@example.com"),
        live_group("g1", "team-a", ["u3"]),
    )
    return find_drift(
        last=last if recorded else None,
        last_as_of=AS_OF if recorded else None,
        last_run="run-1" if recorded else None,
        desired=now,
        live=found,
        as_of=AS_OF,
        accepted=accepted,
    )


def test_the_text_tells_drift_first_and_pending_after_it() -> None:
    assert render_drift(sample(), color=False) == (
        "Directory:  test (generic)\n"
        "Last run:   run-1 as of 2026-06-01T00:00:00Z\n"
        "As of:      2026-06-01T00:00:00Z\n"
        "\n"
        "Changed in the directory: 4\n"
        "\n"
        "  group:team-a\n"
        "    - member user:ada@example.com is missing  (team-a/members/0:1)\n"
        "    + member user:eve@example.com is in it  (team-a/members:1)\n"
        "  user:ada@example.com\n"
        '    ~ title: "Engineer" → "Boss"  (ada@example.com/title:1)\n'
        "  user:eve@example.com\n"
        "    + is in the directory, and no file lists it\n"
        "\n"
        "Changed in the directory, and in the files to something else: 1\n"
        "\n"
        "  user:grace@example.com\n"
        '    ~ title: "Engineer" → "Intern", and the files state "Chair"  (grace@example.com/title:1)\n'
        "\n"
        "Pending from the files: 2\n"
        "\n"
        "  group:team-a\n"
        "    + member user:grace@example.com to add  (team-a/members/1:1)\n"
        "  user:grace@example.com\n"
        '    ~ nickName: (unset), and the files state "G"  (grace@example.com/nickName:1)\n'
        "\n"
        "Drift: 5 changed in the directory, 3 pending from the files, 0 accepted.\n"
    )


def test_accepted_drift_is_counted_and_shown_on_request() -> None:
    drift = sample({item.key: item.value for item in sample().items})
    text = render_drift(drift, color=False)
    assert "4 accepted differences not shown" in text
    assert text.endswith("Drift: 0 changed in the directory, 3 pending from the files, 4 accepted.\n")
    assert "user:eve@example.com" not in text
    assert "user:eve@example.com" in render_drift(drift, color=False, full=True)


def test_without_a_recorded_run_it_is_said_that_nobody_can_tell() -> None:
    text = render_drift(sample(recorded=False), color=False)
    assert "Last run:   none is known" in text
    assert "Of unknown origin: nothing tells what the last run left: 7" in text
    assert text.endswith("Differences: 7 of unknown origin, 0 accepted.\n")


def test_what_the_files_have_adopted_is_told() -> None:
    last, now = (desired(user("ada@example.com", title=title)) for title in ("Engineer", "Boss"))
    found = live(live_user("u1", "ada@example.com", title="Boss"))
    drift = find_drift(last=last, last_as_of=AS_OF, last_run="run-1", desired=now, live=found, as_of=AS_OF)
    text = render_drift(drift, color=False)
    assert "Adopted: changed in the directory, and the files accept it now: 1" in text
    assert text.endswith("No drift. The directory is as the last run left it.\n")


def test_many_differences_of_one_group_are_folded() -> None:
    users = [user(f"u{number}@example.com") for number in range(30)]
    state = desired(*users, group("team-a", [one.name for one in users]))
    found = live(*(live_user(one.name, one.name) for one in users), live_group("g1", "team-a", []))
    drift = find_drift(last=state, last_as_of=AS_OF, last_run="run-1", desired=state, live=found, as_of=AS_OF)
    assert "… 10 more (--full shows all)" in render_drift(drift, color=False)
    assert "more" not in render_drift(drift, color=False, full=True)


def hostile() -> Drift:
    state = desired(user("ada@example.com", title="Engineer"), user(HOSTILE), group(HOSTILE, [HOSTILE]))
    found = live(live_user("u1", "ada@example.com", title=HOSTILE), live_user("u2", HOSTILE, active=False))
    return find_drift(last=state, last_as_of=AS_OF, last_run=HOSTILE, desired=state, live=found, as_of=AS_OF)


def test_nothing_foreign_reaches_the_terminal_as_it_is() -> None:
    text = render_drift(hostile(), color=False)
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_colour_changes_nothing_but_colour() -> None:
    coloured = render_drift(sample(), color=True)
    assert "\x1b[" in coloured
    assert coloured.splitlines()[-1] == sample().summary


def test_the_document_holds_every_difference_with_its_sort_and_its_key() -> None:
    document = json.loads(json.dumps(drift_document(sample())))
    assert document["format"] == "reconciler.drift/1"
    assert document["last_run"] == "run-1"
    assert document["summary"] == {"drift": 4, "both": 1, "pending": 2, "unknown": 0, "accepted": 0}
    [title] = [one for one in document["items"] if one["key"] == "user:ada@example.com title"]
    assert (title["sort"], title["live"], title["left"], title["wanted"]) == ("drift", "Boss", "Engineer", "Engineer")
    assert title["value"].startswith("sha256:")

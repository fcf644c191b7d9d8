"""``plan --since``: what a person and a pipeline see of it, and what applying such a plan leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from command_line import Done, Workspace
from reconciler import load_config
from reconciler.model import TimerName
from reconciler.sandbox.faults import FaultRule, Reply, Requests
from reconciler.store import Store
from repository import Repository

Open = Callable[..., Workspace]

NAMES = ("ada", "bob", "cyd", "dan")
SEED: dict[str, Any] = {
    "users": [{"userName": f"{name}@example.com", "active": True} for name in (*NAMES, "old", "gone")],
    "groups": [{"displayName": "team-platform", "members": [f"{name}@example.com" for name in NAMES]}],
}


def stated(*names: str, members: tuple[str, ...] = NAMES) -> str:
    users = "".join(f"  - userName: {name}@example.com\n" for name in names)
    listed = "".join(f"      - {name}@example.com\n" for name in members)
    return f"users:\n{users}groups:\n  - displayName: team-platform\n    members:\n{listed}"


EVERYBODY = stated(*NAMES, "old", "gone")
CHANGED = stated(*NAMES[:3], "old", "gone", "new", members=(*NAMES[:3], "new"))
GUARDS = "guards: {users: {deactivate: {count: 5}}, members: {remove: {count: 5}}, memberships: {remove: {count: 5}}}\n"
GRACE = "unlisted: {users: {deactivate: {after: 30d}}, groups: ignore}\n"


def state(workspace: Workspace, resources: str) -> None:
    """State these users and groups, and no others."""
    (workspace.path / "resources.yaml").write_text(resources, encoding="utf-8")


@pytest.fixture
def changed(open_workspace: Open) -> Workspace:
    """A workspace whose directory equals the last commit, and whose files say something else since."""
    workspace = open_workspace(seed=SEED)
    directory = workspace.path / "directory.yaml"
    directory.write_text(f"{directory.read_text()}{GUARDS}", encoding="utf-8")
    state(workspace, EVERYBODY)
    Repository.new(workspace.path).commit({".gitignore": ".reconciler/\n"})
    state(workspace, CHANGED)
    return workspace


def test_it_tells_what_it_is_confined_to_and_what_it_cost(changed: Workspace) -> None:
    done = changed.call("plan", "--since", "HEAD")
    assert done.code == 0
    assert "Read 1 user and 1 group in 8 requests." in done.stderr
    assert "Live:       1 user, 1 group, 4 memberships; no more was read\n" in done.stdout
    assert "Since:      HEAD (" in done.stdout
    assert "this plan is confined to what the files changed since HEAD" in done.stdout
    assert done.last_line == (
        "Plan: 1 to create, 0 to update, 1 to deactivate, 0 to delete; 1 memberships to add, 1 to remove."
    )


def test_a_program_reads_what_it_is_confined_to(changed: Workspace) -> None:
    done = changed.call("plan", "--since", "HEAD", "--json", "--detailed-exitcode")
    assert done.code == 2
    since = done.document["since"]
    assert {name: since[name] for name in ("ref", "users", "groups")} == {"ref": "HEAD", "users": 2, "groups": 1}
    assert [step["id"] for step in done.document["steps"]] == [
        "create user:new@example.com",
        "add_members group:team-platform",
        "remove_members group:team-platform",
        "deactivate user:dan@example.com",
    ]


def test_no_change_of_the_files_is_no_claim_about_the_directory(changed: Workspace) -> None:
    state(changed, EVERYBODY)
    done = changed.call("plan", "--since", "HEAD")
    assert done.last_line == (
        "Plan: 0 to create, 0 to update, 0 to deactivate, 0 to delete; 0 memberships to add, 0 to remove."
    )


def with_commit(workspace: Workspace, text: str) -> None:
    """Commit a state that stands between the first one and the present one."""
    state(workspace, text)
    Repository(workspace.path).commit()
    state(workspace, CHANGED)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["plan", "--since", "nowhere"], 1, "there is no Git revision 'nowhere'"),
        (["plan", "--since", "HEAD\x1b[2J"], 1, r"there is no Git revision 'HEAD\x1b[2J'"),
        (["plan", "--since", " "], 64, "--since is empty."),
        (["apply", "x.plan", "--since", "HEAD"], 64, "are for making a plan"),
        (["plan", "--since", "HEAD", "--only", "user:nobody@example.com"], 1, "neither the files nor the directory"),
    ],
)
def test_what_cannot_be_done_is_told(changed: Workspace, arguments: list[str], code: int, message: str) -> None:
    done = changed.call(*arguments)
    assert (done.code, message in done.stderr) == (code, True), done.stderr


def test_an_old_state_that_is_not_valid_is_told(changed: Workspace) -> None:
    with_commit(changed, "users: [\n")
    done = changed.call("plan", "--since", "HEAD")
    assert done.code == 1
    assert "is not valid, so that nothing can be compared with it: resources.yaml:2:1:" in done.stderr
    assert "plan without --since" in done.stderr


def test_a_change_of_what_the_files_speak_for_needs_a_plan_of_everything(changed: Workspace) -> None:
    directory = changed.path / "directory.yaml"
    directory.write_text(f"{directory.read_text()}scope: {{users: 'userName ew \"@example.com\"'}}\n")
    done = changed.call("plan", "--since", "HEAD")
    assert done.code == 1
    assert "directory.yaml says something else of scope.users than at HEAD" in done.stderr


def test_how_careful_to_be_may_change(changed: Workspace) -> None:
    directory = changed.path / "directory.yaml"
    text = directory.read_text().replace("deactivate: {count: 5}", "deactivate: {count: 0}")
    directory.write_text(f"# A line more\n{text}")
    done = changed.call("plan", "--since", "HEAD")
    assert done.code == 3
    assert "users.deactivate" in done.stdout


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--only", "user:new@example.com"], ["create user:new@example.com", "add_members group:team-platform"]),
        (["--exclude", 'users[userName sw "dan"]'], ["create user:new@example.com", "add_members group:team-platform"]),
        (["--exclude", "user:ada@example.com", "--only", "user:bob@example.com"], []),
    ],
)
def test_it_can_be_confined_further(changed: Workspace, options: list[str], ids: list[str]) -> None:
    done = changed.call("plan", "--since", "HEAD", "--json", *options)
    assert [step["id"] for step in done.document.get("steps", [])] == ids


def test_it_compares_with_another_one_of_a_change_and_with_none_of_everything(changed: Workspace) -> None:
    whole, since = changed.path / "whole.plan", changed.path / "since.plan"
    changed.call("plan", "-o", str(whole))
    changed.call("plan", "--since", "HEAD", "-o", str(since))
    alike = changed.call("plan", "--since", "HEAD", "--compare", str(since))
    assert (alike.code, "both plans hold the same 4 steps" in alike.stdout) == (0, True), alike.stdout
    for arguments in (["--since", "HEAD", "--compare", str(whole)], ["--compare", str(since)]):
        done = changed.call("plan", *arguments)
        assert (done.code, "--compare is for two plans of everything" in done.stderr) == (64, True)


def apply_since(workspace: Workspace) -> Done:
    plan = workspace.path.parent / "since.plan"
    made = workspace.call("plan", "--since", "HEAD", "-o", str(plan))
    assert made.code == 0, made.stderr
    return workspace.call("apply", str(plan))


def test_what_it_saved_is_applied_and_then_the_plan_of_everything_is_empty(changed: Workspace) -> None:
    assert apply_since(changed).code == 0
    assert changed.call("plan").last_line == "No changes. The directory matches the desired state."


def test_applying_it_is_not_applying_the_files(changed: Workspace) -> None:
    state(changed, EVERYBODY)
    changed.call("apply", "--auto-approve")
    state(changed, CHANGED.replace("gone@example.com", "gone@example.com\n    title: Pensioner"))
    Repository(changed.path).commit()
    state(changed, CHANGED.replace("gone@example.com", "gone@example.com\n    title: Captain"))
    assert apply_since(changed).code == 0
    # What the commit before had changed was never applied: it is pending from the files, and no drift.
    drift = changed.call("drift", "--json")
    assert {item["sort"] for item in drift.document["items"]} == {"pending"}


def store_of(workspace: Workspace) -> Store:
    store = Store.open_existing(load_config(workspace.path), workspace.path, workspace.env)
    assert store is not None
    return store


def test_applying_it_leaves_the_grace_periods_of_others_running(changed: Workspace) -> None:
    directory = changed.path / "directory.yaml"
    text = directory.read_text()
    kept = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("unlisted")) + GRACE
    for names, commit in (((*NAMES, "old"), True), (("ada", "bob", "cyd", "gone"), False)):
        directory.write_text(kept)
        state(changed, stated(*names, members=names[:3]))
        if commit:
            Repository(changed.path).commit()
            # From here on, gone waits, whom no file lists.
            assert changed.call("apply", "--auto-approve").code == 0
    with store_of(changed) as store:
        (before,) = store.history(changed.sandbox.base_url).timers
    assert apply_since(changed).code == 0
    with store_of(changed) as store:
        timers = store.history(changed.sandbox.base_url).timers
    # Dan and old begin to wait; gone is listed again and waits no more.
    assert (len(timers), before.id in {timer.id for timer in timers}) == (2, False)
    assert {timer.name for timer in timers} == {TimerName.UNLISTED}
    changed.call("plan")
    state(changed, stated("ada", "bob", "cyd", "gone", "eve", members=("ada",)))
    Repository(changed.path).git("commit", "-q", "-a", "-m", "x")
    state(changed, stated("ada", "bob", "cyd", "gone", "eve", "fay", members=("ada",)))
    assert apply_since(changed).code == 0
    with store_of(changed) as store:
        assert store.history(changed.sandbox.base_url).timers == timers


def test_applying_it_does_not_look_as_if_nearly_everything_were_gone(changed: Workspace) -> None:
    state(changed, EVERYBODY)
    assert changed.call("apply", "--auto-approve").code == 0
    state(changed, CHANGED)
    assert apply_since(changed).code == 0
    with store_of(changed) as store:
        last = store.history(changed.sandbox.base_url).last_run
    assert last is not None
    assert (last.users, last.groups, last.memberships, last.desired_users) == (7, 1, 4, 6)


def test_what_a_run_of_one_did_counts_once_for_the_one_that_goes_on_with_it(changed: Workspace) -> None:
    state(changed, EVERYBODY)
    assert changed.call("apply", "--auto-approve").code == 0
    state(changed, CHANGED)
    changed.sandbox.use_faults([FaultRule(fault=Reply(status=403), requests=Requests(methods=("PATCH",)))])
    assert apply_since(changed).code == 5
    changed.sandbox.use_faults([])
    with store_of(changed) as store:
        (run, *_) = store.runs(changed.sandbox.base_url)
    assert changed.call("apply", "--resume", run.id).code == 0
    with store_of(changed) as store:
        last = store.history(changed.sandbox.base_url).last_run
    assert last is not None
    assert (last.run_id != run.id, last.users, last.groups, last.memberships) == (True, 7, 1, 4)


def test_a_first_run_of_one_tells_the_next_nothing_of_the_size(changed: Workspace) -> None:
    assert apply_since(changed).code == 0
    with store_of(changed) as store:
        assert store.history(changed.sandbox.base_url).last_run is None

"""What stands between a plan and its apply: signatures, comparing with what was reviewed, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import ADA_AND_TEAM, Workspace
from reconciler.planning import decode
from reconciler.planning.signing import fingerprint, generate

CHANGES = "Plan: 2 to create, 0 to update, 0 to deactivate, 0 to delete; 1 memberships to add, 0 to remove."


class Keys:
    """A pair of keys in files."""

    def __init__(self, folder: Path, name: str) -> None:
        self.private_pem, self.public_pem = generate()
        self.private, self.public = folder / f"{name}.key", folder / f"{name}.pub"
        self.private.write_bytes(self.private_pem)
        self.public.write_bytes(self.public_pem)


@pytest.fixture
def keys(workspace: Workspace) -> Keys:
    return Keys(workspace.path, "ci")


def trust(workspace: Workspace, key: str) -> None:
    """Let ``directory.yaml`` ask for signed plans."""
    directory = workspace.path / "directory.yaml"
    text = directory.read_text(encoding="utf-8").replace("apply: {", f"apply: {{verify_key: {key}, ")
    directory.write_text(text, encoding="utf-8")


def saved(workspace: Workspace, *options: str) -> str:
    file = str(workspace.path / "saved.plan")
    assert workspace.call("plan", "-q", "-o", file, *options).code == 0
    return file


def test_a_signed_plan_is_applied_by_whoever_trusts_the_key(workspace: Workspace, keys: Keys) -> None:
    file = str(workspace.path / "saved.plan")
    workspace.variables = {"PLAN_KEY": keys.private_pem.decode()}
    planned = workspace.call("plan", "-o", file, "--sign", "env:PLAN_KEY")
    assert f"signed with the key {fingerprint(keys.public_pem)}.\n" in planned.stderr
    assert "PRIVATE" not in planned.stdout + planned.stderr
    assert workspace.call("apply", file, "--verify-key", str(keys.public)).code == 0


def test_a_workspace_may_ask_for_a_key_and_the_command_line_for_another(workspace: Workspace, keys: Keys) -> None:
    others = Keys(workspace.path, "others")
    trust(workspace, others.public.name)
    file = saved(workspace, "--sign", str(keys.private))
    refused = workspace.call("apply", file)
    assert refused.code == 4
    assert f"signed by the key {fingerprint(keys.public_pem)}" in refused.stderr
    assert f"only the key {fingerprint(others.public_pem)} is trusted" in refused.stderr
    assert workspace.runs() == []
    assert workspace.call("apply", file, "--verify-key", str(keys.public)).code == 0


def test_where_signatures_are_asked_for_a_plan_without_one_is_4(workspace: Workspace, keys: Keys) -> None:
    trust(workspace, keys.public.name)
    refused = workspace.call("apply", saved(workspace))
    assert (refused.code, "the plan is not signed" in refused.stderr) == (4, True)
    assert workspace.runs() == []


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("ci.pub", "this is a public key"),
        ("missing.key", "No such file"),
        ("env:NOT_SET", "the environment variable 'NOT_SET' is not set"),
    ],
)
def test_a_key_that_cannot_sign_is_told_before_the_directory_is_read(
    workspace: Workspace, keys: Keys, key: str, told: str
) -> None:
    given = key if key.startswith("env:") else str(keys.private.with_name(key))
    done = workspace.call("plan", "-o", str(workspace.path / "saved.plan"), "--sign", given)
    assert (done.code, done.stdout) == (1, "")
    assert told in done.stderr
    assert workspace.sandbox.request_count == 0


def test_a_reviewed_plan_is_compared_and_the_last_line_stays_the_last(workspace: Workspace) -> None:
    file = saved(workspace)
    workspace.state(f"{ADA_AND_TEAM}  - displayName: team-new\n")
    done = workspace.call("plan", "--compare", file)
    assert done.code == 0
    assert "Compared: 1 step new, 0 gone, 0 different, 3 the same." in done.stdout
    new = done.stdout.partition("Only in the newer plan, reviewed by nobody:")[2]
    assert "+ team-new" in new
    assert "ada@example.com" not in new
    assert done.last_line == CHANGES.replace("2 to create", "3 to create")
    assert done.stdout.count(done.last_line) == 1
    document = workspace.call("plan", "--compare", file, "--json").document
    assert document["plan"]["format"] == "reconciler.plan/1"
    assert document["comparison"]["equivalent"] is False


def test_what_is_no_plan_cannot_be_compared_with_and_is_named(workspace: Workspace) -> None:
    done = workspace.call("plan", "--compare", str(workspace.path / "resources.yaml"))
    assert done.code == 4
    assert "resources.yaml: not a plan" in done.stderr
    assert workspace.sandbox.request_count == 0


def test_what_a_plan_leaves_out_is_counted_and_listed_where_it_is_asked_for(workspace: Workspace) -> None:
    counted = workspace.call("plan", "--only", "user:ada@example.com")
    assert "Left out: 1 step by --only; 1 step" in counted.stdout
    assert "(--left-out lists them)" in counted.stdout
    assert "create group:team-platform" not in counted.stdout
    listed = workspace.call("plan", "--only", "user:ada@example.com", "--left-out")
    assert "create group:team-platform  (by --only)" in listed.stdout


def test_a_plan_leaves_no_store_behind(workspace: Workspace) -> None:
    assert decode(Path(saved(workspace)).read_bytes()).steps
    assert not (workspace.path / ".reconciler").exists()

"""What the files stated at a Git revision: read out of Git, and nothing that a repository names is run for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.desired import load
from reconciler.desired.revision import RevisionError, RevisionInvalidError, load_at
from repository import Repository

DIRECTORY = """\
directory: {name: acme, base_url: https://scim.example.com, token: {env: SCIM_TOKEN}}
unlisted: {users: deactivate, groups: ignore}
"""
FILES = {"directory.yaml": DIRECTORY, "users.yaml": "users: [{userName: ada@example.com}]\n"}
BOB = {"users.yaml": "users: [{userName: bob@example.com}]\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.new(tmp_path / "repository")


def names(workspace: Path, ref: str) -> list[str]:
    return [user.name for user in load_at(workspace, ref).desired.users]


def test_it_is_the_state_of_the_commit_whatever_the_working_tree_says(repository: Repository) -> None:
    first = repository.commit(FILES)
    stated = load(repository.path).desired
    repository.commit(BOB)
    repository.write({"users.yaml": "users: ["})
    earlier = load_at(repository.path, "HEAD~1")
    assert (earlier.ref, earlier.commit, earlier.desired.commit) == ("HEAD~1", first, first)
    assert earlier.desired.digest == stated.digest
    assert [user.name for user in earlier.desired.users] == ["ada@example.com"]
    assert str(earlier.desired.users[0].source.locate("userName")) == "users.yaml:1"


@pytest.mark.parametrize("folder", ["acme", "a folder/[äöü] * ?"])
def test_a_workspace_may_be_a_folder_of_the_repository(repository: Repository, folder: str) -> None:
    repository.commit({f"{folder}/{name}": text for name, text in FILES.items()} | {"other/x.yaml": "users: ["})
    repository.commit({f"{folder}/users.yaml": BOB["users.yaml"]})
    assert names(repository.path / folder, "HEAD~1") == ["ada@example.com"]


def test_three_dots_are_where_the_present_branch_began(repository: Repository) -> None:
    repository.commit(FILES)
    repository.git("checkout", "-q", "-b", "change")
    repository.commit({"more.yaml": "users: [{userName: cyd@example.com}]\n"})
    repository.git("checkout", "-q", "main")
    repository.commit(BOB)
    repository.git("checkout", "-q", "change")
    assert names(repository.path, "main...") == ["ada@example.com"]
    assert names(repository.path, "main") == ["bob@example.com"]


def test_links_lead_where_they_led_then(repository: Repository) -> None:
    repository.write({"directory.yaml": DIRECTORY, "..data/people.yaml": FILES["users.yaml"], "..data/a.txt": ""})
    (repository.path / "users.yaml").symlink_to("..data/people.yaml")
    repository.commit()
    repository.write({"..data/people.yaml": BOB["users.yaml"]})
    assert names(repository.path, "HEAD") == ["ada@example.com"]


def test_what_a_workspace_leaves_out_is_left_out(repository: Repository) -> None:
    repository.commit({**FILES, ".hidden/users.yaml": "users: [", "notes.txt": "users: [", "big.bin": "x"})
    assert names(repository.path, "HEAD") == ["ada@example.com"]


def refusal(workspace: Path, ref: str) -> str:
    with pytest.raises(RevisionError) as refused:
        load_at(workspace, ref)
    assert refused.value.ref == ref
    return str(refused.value)


@pytest.mark.parametrize("ref", ["nothing", "--output=x", "HEAD:users.yaml", "", "...", "a\nb", "HEAD~9", "x\0y"])
def test_what_names_no_commit_is_told(repository: Repository, ref: str) -> None:
    repository.commit(FILES)
    assert refusal(repository.path, ref).endswith(". Compare with another revision, or plan without --since")


def test_a_folder_outside_of_any_repository_is_told(tmp_path: Path) -> None:
    message = refusal(tmp_path, "HEAD")
    assert f"{str(tmp_path)!r} is not in a Git repository that can be read (fatal: not a git repository" in message


def test_a_workspace_that_is_new_is_told(repository: Repository) -> None:
    first = repository.commit({"README.md": ""})
    repository.commit({f"acme/{name}": text for name, text in FILES.items()})
    message = refusal(repository.path / "acme", "HEAD~1")
    assert f"there was no directory.yaml at 'HEAD~1' ({first[:12]}): the workspace is new" in message


def test_histories_that_have_nothing_in_common_are_told(repository: Repository) -> None:
    repository.commit(FILES)
    repository.git("checkout", "-q", "--orphan", "other")
    repository.commit(BOB)
    assert "'main' and HEAD have no commit in common" in refusal(repository.path, "main...")


def test_a_shallow_clone_is_told_how_to_fetch_the_rest(repository: Repository, tmp_path: Path) -> None:
    repository.commit(FILES)
    repository.commit(BOB)
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--depth=1", repository.path.as_uri(), str(clone))
    assert "this is a shallow clone. Fetch the history (`fetch-depth: 0`" in refusal(clone, "HEAD~1")


def test_a_submodule_in_the_workspace_is_told(repository: Repository, tmp_path: Path) -> None:
    inner = Repository.new(tmp_path / "inner")
    inner.commit({"users.yaml": BOB["users.yaml"]})
    repository.git("submodule", "--quiet", "add", inner.path.as_uri(), "inner")
    repository.commit(FILES)
    assert "'inner' was a submodule at 'HEAD'" in refusal(repository.path, "HEAD")


def test_a_state_that_was_not_valid_is_told_with_its_first_problem(repository: Repository) -> None:
    commit = repository.commit({**FILES, "users.yaml": "users: [{userName: 1}, {titel: x}]\n"})
    repository.commit(BOB)
    with pytest.raises(RevisionInvalidError) as refused:
        load_at(repository.path, "HEAD~1")
    assert str(refused.value).startswith(
        f"what the files stated at HEAD~1 ({commit[:12]}) is not valid, so that nothing can be compared with it: "
        "users.yaml:1:"
    )
    assert "more problem" in str(refused.value)
    assert len(refused.value.diagnostics) > 1


@pytest.mark.parametrize("name", ["../../outside.yaml", "/outside.yaml", "../outside.yaml"])
def test_paths_that_leave_the_workspace_are_not_written(repository: Repository, tmp_path: Path, name: str) -> None:
    repository.commit(FILES)
    blob = repository.git("hash-object", "-w", "--stdin", given=b"users: []")
    kept = repository.git("cat-file", "-p", "HEAD^{tree}")
    raw = b"".join(
        b"%s %s\0%s" % (mode.encode(), path.encode(), bytes.fromhex(sha))
        for mode, sha, path in sorted(
            [*((mode, sha, path) for mode, _, sha, path in map(str.split, kept.splitlines())), ("100644", blob, name)],
            key=lambda entry: entry[2],
        )
    )
    tree = repository.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)
    commit = repository.git("commit-tree", "-m", "x", tree)
    assert names(repository.path, commit) == ["ada@example.com"]
    assert not list(tmp_path.rglob("outside.yaml"))
    assert not Path("/outside.yaml").exists()


def test_nothing_that_the_repository_names_is_run(repository: Repository, tmp_path: Path) -> None:
    witness = tmp_path / "was-here"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {witness}\ncat\n")
    program.chmod(0o755)
    repository.commit({**FILES, ".gitattributes": "*.yaml filter=evil diff=evil\n"})
    for setting in ("filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "core.fsmonitor", "core.pager"):
        repository.git("config", setting, str(program))
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        path = repository.path / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        os.link(program, path)
    assert names(repository.path, "HEAD") == ["ada@example.com"]
    assert not witness.exists()


def in_environment(workspace: Path, ref: str, **variables: str) -> str:
    """What a program that is started with some variables finds: the users, or why there are none."""
    program = (
        "import sys; from pathlib import Path; from reconciler.desired.revision import load_at; "
        "print(*(user.name for user in load_at(Path(sys.argv[1]), sys.argv[2]).desired.users))"
    )
    command = [sys.executable, "-c", program, str(workspace), ref]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    return (done.stdout or done.stderr).strip()


def test_a_hook_of_git_may_ask(repository: Repository) -> None:
    """Git tells its hooks where its repository is, as seen from another folder."""
    repository.commit({f"acme/{name}": text for name, text in FILES.items()})
    variables = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": "", "GIT_GLOB_PATHSPECS": "1"}
    assert in_environment(repository.path / "acme", "HEAD", **variables) == "ada@example.com"


def test_a_partial_clone_is_told_how_to_fetch_the_rest(repository: Repository, tmp_path: Path) -> None:
    repository.commit(FILES)
    repository.commit(BOB)
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    repository.git("clone", "-q", "--filter=blob:none", repository.path.as_uri(), str(clone))
    assert "cannot be read: this is a partial clone. Clone without a filter" in refusal(clone, "HEAD~1")


def test_a_branch_that_was_never_fetched_is_told(repository: Repository) -> None:
    repository.commit(FILES)
    assert "'origin/main': fetch it first (`git fetch`)" in refusal(repository.path, "origin/main...")


def test_the_repository_stays_as_it_was(repository: Repository) -> None:
    repository.commit(FILES)
    repository.commit(BOB)
    index = (repository.path / ".git" / "index").stat().st_mtime_ns
    load_at(repository.path, "HEAD~1")
    assert (repository.path / ".git" / "index").stat().st_mtime_ns == index
    assert repository.git("status", "--porcelain") == ""
    assert repository.git("worktree", "list").count("\n") == 0

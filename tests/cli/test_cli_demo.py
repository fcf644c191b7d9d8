"""The demo: the product's first impression."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Done, call

EXAMPLE = Path(__file__).parents[2] / "desired_state"


def demo(*arguments: str, cwd: Path) -> Done:
    return call(["demo", *arguments], cwd=cwd)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("arguments", [("-C", str(EXAMPLE)), ()], ids=["named", "the example that comes along"])
def test_the_demo_ends_with_no_changes_and_leaves_no_trace(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    before = tree(EXAMPLE)
    shown = demo(*arguments, cwd=tmp_path)
    assert shown.code == 0, shown.stderr
    lines = shown.stdout.splitlines()
    commands = [line for line in lines if line.startswith("$ ")]
    assert commands == [
        "$ reconciler validate -C desired_state",
        "$ reconciler plan -o acme.plan -C desired_state",
        "$ reconciler apply acme.plan -C desired_state",
        "$ reconciler plan --detailed-exitcode -C desired_state",
    ]
    assert lines.index("No changes. The directory matches the desired state.") > lines.index(commands[-1])
    assert "16 applied, 0 differ, 0 failed" in shown.stdout
    assert tree(EXAMPLE) == before
    assert list(tmp_path.iterdir()) == []


def test_every_sort_of_drift_is_in_the_demo(tmp_path: Path) -> None:
    shown = demo(cwd=tmp_path).stdout
    for part in (
        "  + femi.adeyemi@acme.example.com  (new",  # a joiner
        "  ~ chloe.martin@acme.example.com  (found by externalId",  # a mover
        "-/+ team-customer-care  (replaces team-support",  # a renamed group
        "- otto.leaver@acme.example.com  (no file lists it)",  # a leaver
        "- trial.account@acme.example.com  (does not match the filter",  # a membership made by hand
        "(via team-platform",  # nesting, flattened
    ):
        assert part in shown


def test_the_demo_shows_a_workspace_of_ones_own_on_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "directory.yaml").write_text(
        "directory: {name: mine, base_url: '${SCIM_BASE_URL}', token: {env: SCIM_TOKEN}}\n"
        "unlisted: {users: ignore, groups: ignore}\n"
    )
    (tmp_path / "people.yaml").write_text("users: [{userName: ada@example.com}]\n")
    shown = demo(cwd=tmp_path)
    assert shown.code == 0, shown.stderr
    assert "Plan: 1 to create" in shown.stdout


@pytest.mark.parametrize(
    ("extends", "ways"), [("", "generic"), ("extends: entra-style\n", "entra-style")], ids=["nothing", "another"]
)
def test_the_demo_of_a_dialect_of_ones_own_has_the_ways_of_what_that_extends(
    tmp_path: Path, extends: str, ways: str
) -> None:
    (tmp_path / "acme.dialect.yaml").write_text(f"description: Acme's.\n{extends}capabilities: {{page_size: 50}}\n")
    (tmp_path / "directory.yaml").write_text(
        "directory: {name: mine, dialect: acme.dialect.yaml, base_url: '${SCIM_BASE_URL}', token: {env: SCIM_TOKEN}}\n"
        "unlisted: {users: ignore, groups: ignore}\n"
    )
    (tmp_path / "people.yaml").write_text("users: [{userName: ada@example.com}]\n")
    shown = demo(cwd=tmp_path)
    assert shown.code == 0, shown.stderr
    assert f"with the ways of {ways}." in shown.stdout
    assert "What acme.dialect.yaml states beyond that is believed" in shown.stdout
    assert f"--dialect {ways} " in shown.stdout


def test_the_demo_of_a_directory_without_a_listing_reads_what_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "directory.yaml").write_text(
        "directory: {name: mine, dialect: snowflake, base_url: '${SCIM_BASE_URL}', token: {env: SCIM_TOKEN}}\n"
        "unlisted: {users: ignore, groups: ignore}\n"
    )
    (tmp_path / "people.yaml").write_text("users: [{userName: ada@example.com}]\n")
    shown = demo(cwd=tmp_path)
    assert shown.code == 0, shown.stderr
    assert "It holds 0 users and 0 groups of those that the files name." in shown.stdout


def test_the_demo_refuses_a_workspace_that_names_a_real_directory(tmp_path: Path) -> None:
    (tmp_path / "directory.yaml").write_text(
        "directory: {name: mine, base_url: 'https://scim.example.com', token: {env: SCIM_TOKEN}}\n"
        "unlisted: {users: ignore, groups: ignore}\n"
    )
    refused = demo(cwd=tmp_path)
    assert refused.code == 1
    assert "the demo needs `base_url: ${SCIM_BASE_URL}` in directory.yaml" in refused.stderr

"""What README.md and docs/ speak of exists: pages, commands, options, and files that can be read."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from reconciler.cli.entry import cli
from reconciler.desired import load
from reconciler.sandbox.faults import read_faults

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
COMMANDS = cli.list_commands(click.Context(cli))


def text(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")


def examples(page: str) -> list[str]:
    """Return the blocks of YAML on a page."""
    return re.findall(r"^```yaml\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return what the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", text(page))
    for link in (one for one in links if not one.startswith("https://")):
        file, _, anchor = link.partition("#")
        target = PAGES[page].parent / file if file else PAGES[page]
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES)
def test_examples_in_yaml_are_yaml(page: str) -> None:
    assert all(isinstance(yaml.safe_load(example), dict) for example in examples(page))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_list_of_commands(name: str) -> None:
    described = text("docs/commands.md")
    assert re.search(rf"^\| `{name}\b", described, re.MULTILINE)
    for parameter in command(name).params:
        for option in (one for one in parameter.opts if one.startswith("--")):
            assert re.search(rf"`{option}\b", described), option


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_ends_with_examples(name: str) -> None:
    found = command(name)
    shown = found.get_help(click.Context(found, info_name=name))
    assert re.search(rf"^Examples:\n  reconciler {name}\b", shown, re.MULTILINE)


def test_the_workspace_in_the_readme_is_valid(tmp_path: Path) -> None:
    for example in examples("README.md"):
        (tmp_path / example.splitlines()[0].removeprefix("# ").replace("/", "-")).write_text(example, encoding="utf-8")
    core = "groups:\n  - {displayName: team-core, members: []}\n"
    (tmp_path / "core.yaml").write_text(core, encoding="utf-8")
    assert load(tmp_path).desired.groups


def test_the_settings_that_are_explained_are_valid(tmp_path: Path) -> None:
    (tmp_path / "directory.yaml").write_text(examples("docs/files.md")[0], encoding="utf-8")
    assert load(tmp_path).desired.config.policy.domains == ("example.com",)


def test_the_faults_that_are_listed_can_be_written_so(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    (whole,) = examples("docs/faults.md")
    file.write_text(whole, encoding="utf-8")
    assert len(read_faults(file).rules) == 2
    listed = re.findall(r"`((?!when|requests)\w+: \{[^`…]*\})`", text("docs/faults.md"))
    file.write_text("rules:\n" + "".join(f"  - fault: {{{one}}}\n" for one in listed), encoding="utf-8")
    assert len(read_faults(file).rules) == len(listed)

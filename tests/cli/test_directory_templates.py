"""What a new ``directory.yaml`` shows in comments is right: it can be taken out of them."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from reconciler.config import DirectoryConfig, TokenSource
from reconciler.desired import load_config
from reconciler.importing.directory_file import DirectoryTemplate, directory_text

URL = "https://scim.example.com"
KEYS = ("domains", "scope", "protect", "guards", "apply", "reconcile", "store")


def of_init() -> str:
    text = (resources.files("reconciler.cli") / "templates" / "directory.yaml").read_text(encoding="utf-8")
    return text.replace("@NAME@", "acme").replace("@DIALECT@", "generic").replace("@BASE_URL@", URL)


def of_import() -> str:
    return directory_text(DirectoryTemplate(name="acme", base_url=URL, token=TokenSource(env="T")))


def of_example() -> str:
    return (Path(__file__).parents[2] / "desired_state" / "directory.yaml").read_text(encoding="utf-8")


def out_of_comments(text: str) -> str:
    """Return a file with the settings that stand in comments, and what belongs below them, made real."""
    keys = "|".join(KEYS)
    return re.sub(rf"^# ? ?(?=(?:{keys}): )|^# (?=(?:{keys}):$|  )", "", text, flags=re.MULTILINE)


def read(text: str, folder: Path) -> DirectoryConfig:
    (folder / "directory.yaml").write_text(text, encoding="utf-8")
    return load_config(folder)


@pytest.mark.parametrize("text", [of_init(), of_import()], ids=["init", "import"])
def test_what_stands_in_comments_is_valid(text: str, tmp_path: Path) -> None:
    real = out_of_comments(text)
    shown = [key for key in KEYS if re.search(rf"^{key}:", real, re.MULTILINE)]
    assert set(shown) >= {"scope", "protect", "guards"}
    found = read(real, tmp_path)
    assert found.policy.protection.break_glass == ("emergency@example.com",)
    assert found.policy.scope_groups == 'displayName sw "team-"'


@pytest.mark.parametrize("text", [of_init(), of_import()], ids=["init", "import"])
def test_what_stands_in_comments_as_a_default_is_one(text: str, tmp_path: Path) -> None:
    as_written, real = read(text, tmp_path), read(out_of_comments(text), tmp_path)
    assert real.policy.guards == as_written.policy.guards
    assert real.apply == as_written.apply


@pytest.mark.parametrize("text", [of_init(), of_import(), of_example()], ids=["init", "import", "example"])
def test_the_grace_period_that_is_shown_can_be_written_so(text: str, tmp_path: Path) -> None:
    found = re.search(r"users: (\{deactivate: .*\})$", text, re.MULTILINE)
    assert found is not None
    stated = re.sub(r"^(  users: )(?:ignore|deactivate)\b", rf"\1{found[1]}", text, flags=re.MULTILINE)
    policy = read(stated, tmp_path).policy
    assert (policy.unlisted_users_after.days, policy.delete_after_deactivated) != (0, None)


def test_the_protection_that_the_example_shows_is_valid(tmp_path: Path) -> None:
    real = re.sub(r"^#   (?=protect:)", "", of_example(), flags=re.MULTILINE)
    assert read(real, tmp_path).policy.protection.min_members == {"team-platform": 2}

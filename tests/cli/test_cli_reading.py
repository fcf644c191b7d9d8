"""What a person sees of a directory that cannot be read whole, or does not tell who is in its groups."""

from __future__ import annotations

from pathlib import Path

from command_line import Done, call, environment
from loopback import serving
from played_directory import Respond, directory, people, teams

DIRECTORY = """\
directory:
  name: acme
  base_url: ${SCIM_BASE_URL}
  token: {env: SCIM_TOKEN}
  capabilities: CAPABILITIES
unlisted: {users: deactivate, groups: delete}
"""
FILES = """\
users:
  - userName: user0@example.com
groups:
  - displayName: team-0
    members: [user0@example.com]
"""


def run(path: Path, respond: Respond, capabilities: str, *arguments: str) -> Done:
    (path / "directory.yaml").write_text(DIRECTORY.replace("CAPABILITIES", capabilities), encoding="utf-8")
    (path / "resources.yaml").write_text(FILES, encoding="utf-8")
    with serving(respond) as server:
        env = environment(SCIM_BASE_URL=server.url, SCIM_TOKEN="token")
        return call([*arguments, "-C", str(path)], env=env)


def test_a_directory_without_a_listing_is_planned_by_what_files_name(tmp_path: Path) -> None:
    respond = directory(people(30), teams(30, {0: ["u00"]}))

    done = run(tmp_path, respond, "{paging: filter-only}", "plan")

    assert done.code == 0
    assert "No changes" in done.stdout


def test_a_directory_without_a_listing_cannot_be_imported_and_the_error_says_why(tmp_path: Path) -> None:
    done = run(tmp_path, directory(people(3), []), "{paging: filter-only}", "import")

    assert done.code == 1
    assert "error: GET /Users: the directory has no listing of Users (capability paging: filter-only)" in done.stderr
    assert "Traceback" not in done.stderr


def test_members_that_stay_unknown_are_told_with_what_to_state(tmp_path: Path) -> None:
    respond = directory(people(3), teams(2, {0: ["u00"]}), members_in="group")

    done = run(tmp_path, respond, "{user_delete: hard}", "plan")

    assert "warning: the members of 2 groups are unknown: the listing shows no member of any group" in done.stderr
    assert "state `members_read: group` under `capabilities` in directory.yaml" in done.stderr


def test_what_the_warning_wants_stated_makes_it_go_away(tmp_path: Path) -> None:
    respond = directory(people(3), teams(2, {0: ["u00"]}), members_in="group")

    done = run(tmp_path, respond, "{members_read: group}", "plan")

    assert "unknown" not in done.stderr
    assert "0 memberships to add, 0 to remove" in done.stdout

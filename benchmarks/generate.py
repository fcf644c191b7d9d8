"""Made-up directories of any size: the same size gives the same people, groups and memberships, on every machine.

Run as a program it serves such a directory over HTTP until its standard input ends, so that the memory and the CPU
time of the server are not those of what is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER

USERS_PER_FILE = 500
GROUPS_PER_FILE = 250

_GIVEN = ("Ada", "Alan", "Barbara", "Edsger", "Frances", "Grace", "Ken", "Lynn", "Margaret", "Radia", "Tony", "Zoë")
_FAMILY = ("Ahlström", "Brandt", "Castillo", "Duarte", "Eriksen", "Fischer", "García", "Huang", "Ito", "Jansen", "Kaya")
_TITLES = ("Engineer", "Senior Engineer", "Principal Engineer", "Analyst", "Designer", "Manager", "Director")
_LANGUAGES = ("en-GB", "de-DE", "pt-PT", "ja-JP")

DIRECTORY = """\
directory:
  name: benchmark
  base_url: ${SCIM_BASE_URL}
  token: {env: SCIM_TOKEN}
unlisted: {users: deactivate, groups: ignore}
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a directory is, and how far its live state is from its files.

    Attributes:
        users: people.
        groups: groups.
        members: memberships in all groups together; at most every person in every group.
        changes: percent of the users with another title, and of the groups with a member too few.
    """

    users: int
    groups: int
    members: int
    changes: float = 0.0

    def __post_init__(self) -> None:
        if min(self.users, self.groups, self.members) < 0 or not 0 <= self.changes <= 100:
            raise ValueError("sizes must not be negative, and changes are a percentage")
        if self.members > self.users * self.groups:
            raise ValueError(
                f"{self.users} users in {self.groups} groups make at most {self.users * self.groups} members"
            )

    def changed(self, number: int) -> bool:
        """Tell whether the live state of one user or group differs. They are spread evenly."""
        return int((number + 1) * self.changes / 100) > int(number * self.changes / 100)


def user(number: int) -> dict[str, Any]:
    """Return one user in SCIM's form."""
    given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[number // len(_GIVEN) % len(_FAMILY)]
    name = f"user{number:06}@example.com"
    return {
        "schemas": [CORE_USER, ENTERPRISE_USER],
        "userName": name,
        "externalId": f"E{number:07}",
        "name": {"givenName": given, "familyName": family},
        "displayName": f"{given} {family}",
        "emails": [{"value": name, "type": "work", "primary": True}],
        "title": _TITLES[number % len(_TITLES)],
        "preferredLanguage": _LANGUAGES[number % len(_LANGUAGES)],
        "active": number % 20 != 7,
        ENTERPRISE_USER: {
            "employeeNumber": str(100000 + number),
            "department": f"Department {number // USERS_PER_FILE}",
        },
    }


def members(size: Size, group: int) -> range:
    """Return the numbers of the users in one group. All groups have the same size, give or take one."""
    count = size.members * (group + 1) // size.groups - size.members * group // size.groups
    first = group * 7919 % max(size.users, 1)
    return range(first, first + count)


def write_workspace(size: Size, folder: Path) -> int:
    """Write the files of a directory, and return how many bytes they are. The folder must exist."""
    total = _write(folder / "directory.yaml", DIRECTORY)
    for kind, per_file, count in (("users", USERS_PER_FILE, size.users), ("groups", GROUPS_PER_FILE, size.groups)):
        (folder / kind).mkdir()
        for first in range(0, count, per_file):
            numbers = range(first, min(first + per_file, count))
            items = (_user_yaml(number) if kind == "users" else _group_yaml(size, number) for number in numbers)
            total += _write(folder / kind / f"{first // per_file:05}.yaml", f"{kind}:\n{''.join(items)}")
    return total


def _write(path: Path, text: str) -> int:
    return path.write_bytes(text.encode())


def _user_yaml(number: int) -> str:
    """Return one user as people write one: 10 to 11 lines. No value here needs more quotes than it gets."""
    made = user(number)
    enterprise = made[ENTERPRISE_USER]
    active = "" if made["active"] else "    active: false\n"
    return (
        f"  - userName: {made['userName']}\n"
        f"    externalId: {made['externalId']}\n"
        f"{active}"
        "    name:\n"
        f"      givenName: {made['name']['givenName']}\n"
        f"      familyName: {made['name']['familyName']}\n"
        f"    displayName: {made['displayName']}\n"
        f"    emails: [{made['userName']}]\n"
        f"    title: {made['title']}\n"
        f"    preferredLanguage: {made['preferredLanguage']}\n"
        f'    employeeNumber: "{enterprise["employeeNumber"]}"\n'
        f"    department: {enterprise['department']}\n"
    )


def _group_yaml(size: Size, number: int) -> str:
    listed = "".join(f"      - user{member % size.users:06}@example.com\n" for member in members(size, number))
    return f"  - displayName: team-{number:05}\n    members:{' []' if not listed else ''}\n{listed}"


def seed(size: Size) -> dict[str, Any]:
    """Return what the live directory holds, in the form that the sandbox is seeded with."""
    return {"users": list(_live_users(size)), "groups": list(_live_groups(size))}


def _live_users(size: Size) -> Iterator[dict[str, Any]]:
    for number in range(size.users):
        live = user(number)
        if size.changed(number):
            live["title"] = "Trainee"
        yield live


def _live_groups(size: Size) -> Iterator[dict[str, Any]]:
    for number in range(size.groups):
        present = members(size, number)[1:] if size.changed(number) else members(size, number)
        names = [f"user{member % size.users:06}@example.com" for member in present]
        yield {"schemas": [CORE_GROUP], "displayName": f"team-{number:05}", "members": names}


def add_size_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell how large a directory is."""
    parser.add_argument("--users", type=int, default=5_000, metavar="N", help="people (default: %(default)s)")
    parser.add_argument("--groups", type=int, default=250, metavar="G", help="groups (default: %(default)s)")
    parser.add_argument(
        "--members",
        type=int,
        default=50_000,
        metavar="M",
        help="memberships in all groups together (default: %(default)s)",
    )
    parser.add_argument(
        "--changes",
        type=float,
        default=0.0,
        metavar="PERCENT",
        help="users and groups whose live state differs from the files (default: %(default)s)",
    )


def size_from(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> Size:
    """Return the size that was asked for, or end the program with what is wrong with it."""
    try:
        return Size(arguments.users, arguments.groups, arguments.members, arguments.changes)
    except ValueError as error:
        parser.error(str(error))


def main() -> None:
    """Serve a directory; print its base URL and token as one line each."""
    parser = argparse.ArgumentParser(description="Serve a made-up directory until standard input ends.")
    add_size_options(parser)
    size = size_from(parser.parse_args(), parser)
    # The web server is an extra that writing a workspace does without.
    from reconciler.sandbox.server import Sandbox

    with Sandbox(seed=seed(size)) as sandbox:
        print(sandbox.base_url, sandbox.token, sep="\n", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

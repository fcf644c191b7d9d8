"""The convergence scenario for any directory: everything that a workspace can state, changed, taken back and deleted.

It goes the whole way that a user's program goes, through the documented calls, and looks at the result with requests of
its own, so that a mistake in reading cannot hide the same mistake in writing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import reconciler
from reconciler.applying import RunResult
from reconciler.applying.outcome import Status
from reconciler.config import Allowance, DirectoryConfig
from reconciler.diagnostics import Diagnostic
from reconciler.live import Wanted
from reconciler.model import Desired, Live
from reconciler.planning import Plan
from sandboxes import client_for
from scenario import AS_OF, DIRECTORY

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Product:
    """What a directory can keep of what the scenario states.

    Attributes:
        user: turns a user of the scenario into what this product can keep; by default it keeps all.
        capabilities: what ``directory.yaml`` has to state, because the product does not tell.
    """

    user: Callable[[Row], Row] = field(default=lambda stated: stated)
    capabilities: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Workspace:
    """A workspace for one directory, driven through the documented calls.

    Attributes:
        unlisted: what becomes of users, and of groups, that are not listed.
        scope: a SCIM filter: which users the workspace speaks for; all without one.
        desired: what it states, once it has stated something.
    """

    folder: Path
    base_url: str
    token: str
    product: Product = field(default_factory=Product)
    unlisted: tuple[str, str] = ("deactivate", "delete")
    dialect: str = "generic"
    scope: str | None = None
    desired: Desired = field(init=False)

    @property
    def environ(self) -> dict[str, str]:
        return {"SCIM_BASE_URL": self.base_url, "SCIM_TOKEN": self.token}

    def state(self, users: Sequence[Row], groups: Sequence[Row]) -> None:
        """State this, and nothing else, and read it as the files say it."""
        users_policy, groups_policy = self.unlisted
        directory = DIRECTORY.format(dialect=self.dialect, users=users_policy, groups=groups_policy, chunk_size=200)
        # JSON is YAML, and takes no time to write.
        if self.product.capabilities:
            stated = json.dumps(dict(self.product.capabilities))
            directory = directory.replace("unlisted:", f"  capabilities: {stated}\nunlisted:", 1)
        if self.scope is not None:
            directory += f"scope: {json.dumps({'users': self.scope})}\n"
        (self.folder / "directory.yaml").write_text(directory, encoding="utf-8")
        document = {"users": [self.product.user(user) for user in users], "groups": list(groups)}
        text = json.dumps(document, ensure_ascii=False, indent=0)
        (self.folder / "resources.yaml").write_text(text, encoding="utf-8")
        self.desired = reconciler.load(self.folder).desired

    @property
    def config(self) -> DirectoryConfig:
        return self.desired.config

    def live(self, *, on_note: Callable[[Diagnostic], None] | None = None) -> Live:
        wanted = Wanted.of(self.desired)
        return reconciler.read_live(self.config, self.folder, wanted=wanted, environ=self.environ, on_note=on_note)

    def plan(self, live: Live | None = None) -> Plan:
        live = live or self.live()
        learned = reconciler.recall(self.config, self.folder, live.base_url, environ=self.environ)
        desired = self.desired
        empty = [f"{kind}.empty" for kind in ("users", "groups") if not getattr(desired, kind)]
        allowances = tuple(Allowance(guard=guard) for guard in empty)
        policy = replace(desired.config.policy, allowances=allowances, reason="nobody is listed on purpose")
        return reconciler.plan(desired, live, as_of=AS_OF, policy=policy, history=learned)

    def apply(self, live: Live | None = None) -> RunResult:
        return reconciler.apply(self.plan(live), self.config, self.folder, environ=self.environ, now=AS_OF)

    def converge(self, live: Live | None = None) -> Live:
        """Apply, prove that nothing is left to do, and return what the directory holds now.

        Args:
            live: what it holds before, where that is known.
        """
        result = self.apply(live)
        wrong = [
            f"{outcome.step.id}: {outcome.status} {outcome.message}"
            for outcome in result.outcomes
            if outcome.status is not Status.APPLIED
        ]
        assert not wrong, f"{len(wrong)} of {len(result.outcomes)} steps: " + "\n".join(wrong[:10])
        now = self.live()
        left = self.plan(now)
        assert left.steps == (), f"{len(left.steps)} steps are left: {left.steps[:3]}"
        return now


@dataclass(frozen=True)
class Independent:
    """Reads a directory without any of our own code."""

    base_url: str
    token: str

    def rows(self, endpoint: str) -> list[Row]:
        """Return every resource of an endpoint, by index or, where that is refused, by cursor (RFC 9865)."""
        found: dict[str, Row] = {}
        params: dict[str, Any] = {"startIndex": 1, "count": 50}
        with client_for(self.base_url, self.token) as client:
            while True:
                answer = client.get(f"/{endpoint}", params=params)
                if answer.status_code == 501 and "startIndex" in params:
                    params = {"cursor": "", "count": 50}
                    continue
                page = answer.raise_for_status().json()
                rows = page.get("Resources", [])
                found |= {row["id"]: row for row in rows}
                if "startIndex" in params:
                    params["startIndex"] += len(rows)
                    if not rows or params["startIndex"] > page["totalResults"]:
                        return list(found.values())
                elif page.get("nextCursor"):
                    params["cursor"] = page["nextCursor"]
                else:
                    return list(found.values())

    def users(self) -> dict[str, Row]:
        """Return the users by userName."""
        return {row["userName"]: row for row in self.rows("Users")}

    def members(self, users: Iterable[Row] | None = None) -> dict[str, set[str]]:
        """Return the userNames in every group, by its displayName; ``users`` saves reading them again."""
        names = {row["id"]: row["userName"] for row in (self.rows("Users") if users is None else users)}
        return {
            row["displayName"]: {names[member["value"]] for member in row.get("members") or ()}
            for row in self.rows("Groups")
        }


HARD_NAMES = ('quo"te', "back\\slash", "o'neil", "ünï.cödé", "名前", "a b", "100%", "plus+tag", "a&b=c#d")


@dataclass
class Convergence:
    """The scenario, step by step. Every step converges, and is looked at from outside.

    Attributes:
        count: users; at least 14.
    """

    workspace: Workspace
    count: int = 60
    prefix: str = "user"

    @cached_property
    def names(self) -> list[str]:
        hard = [f"{name}@example.com" for name in HARD_NAMES]
        return [*hard, *(f"{self.prefix}{number:04}@example.com" for number in range(len(hard), self.count))]

    def user(self, number: int, **changes: Any) -> Row:
        name = self.names[number]
        return {
            "userName": name,
            "externalId": f"hr-{number}",
            "name": {"givenName": f"Gíven {number} 🐘", "familyName": f'O"Neil \\ {number}'},
            "displayName": f'User "{number}" \\ Example',
            "emails": [f"mail{number}@example.com", {"value": f"mail{number}@example.org", "type": "home"}],
            "phoneNumbers": [{"value": f"+49-30-{number:06}", "type": "work"}],
            "title": "Engineer",
            "department": "Platform" if number % 2 else "Sales",
            "employeeNumber": f"{number:05}",
            **changes,
        }

    def outside(self) -> Independent:
        return Independent(self.workspace.base_url, self.workspace.token)

    def check(self, active: set[str], inactive: set[str], groups: Mapping[str, Sequence[str]]) -> None:
        """Compare who is there, who is active and who is in which group, as the directory tells anybody."""
        users = self.outside().users()
        assert {name for name, row in users.items() if row["active"]} == active
        assert {name for name, row in users.items() if not row["active"]} == inactive
        assert self.outside().members(users.values()) == {name: set(members) for name, members in groups.items()}

    def run(self) -> None:
        self.create()
        self.update()
        self.rename()
        self.deactivate_and_return()
        self.delete()

    def create(self) -> None:
        self.listed = [self.user(number, active=number % 7 != 3) for number in range(self.count)]
        self.groups = {
            "everybody": list(self.names),
            'team "quoted" \\ ünïcode': self.names[::2],
            "team-empty": [],
            "team-hard": self.names[: len(HARD_NAMES)],
        }
        self.converge()

    def converge(self) -> None:
        groups = [
            {"displayName": name, "externalId": f"g-{number}", "members": list(members)}
            for number, (name, members) in enumerate(self.groups.items())
        ]
        self.workspace.state(self.listed, groups)
        self.workspace.converge()
        active = {user["userName"] for user in self.listed if user.get("active", True)}
        self.check(active, {user["userName"] for user in self.listed} - active, self.groups)

    def update(self) -> None:
        """Change an attribute of every sort, unset some, and move people in both directions."""
        self.listed = [
            self.user(
                number,
                active=number % 7 != 4,
                name={"givenName": f"Changed {number}", "familyName": f"Nummer {number} äöü"},
                displayName=f"Changed {number}",
                emails=[f"changed{number}@example.org", f"mail{number}@example.com"],
                phoneNumbers=[] if number % 2 else [{"value": "+1 555 0100", "type": "mobile"}],
                title=None if number % 3 else "Principal Engineer",
                department=None if number % 5 == 0 else 'Research & "Development" \\ 研究',
            )
            for number in range(self.count)
        ]
        self.groups = {
            "everybody": self.names[self.count // 3 :],
            'team "quoted" \\ ünïcode': self.names[1::2],
            "team-empty": list(self.names),
            "team-hard": [],
        }
        self.converge()
        changed = self.outside().users()[self.names[-1]]
        assert changed["name"]["givenName"] == f"Changed {self.count - 1}"
        assert changed["emails"][0]["value"] == f"changed{self.count - 1}@example.org"

    def rename(self) -> None:
        """Give users and groups other names; who they are and what they are in stays."""
        ids = {row["userName"]: row["id"] for row in self.outside().rows("Users")}
        renamed = {name: f'new {number} "\\ ñ@example.com' for number, name in enumerate(self.names[:12])}
        self.names[:] = [renamed.get(name, name) for name in self.names]
        for user in self.listed:
            user["userName"] = renamed.get(user["userName"], user["userName"])
        self.groups = {
            {"everybody": 'Everybody "\\ ñ'}.get(name, name): [renamed.get(member, member) for member in members]
            for name, members in self.groups.items()
        }
        self.converge()
        now = {row["userName"]: row["id"] for row in self.outside().rows("Users")}
        assert now == {renamed.get(name, name): user_id for name, user_id in ids.items()}

    def deactivate_and_return(self) -> None:
        """Take people off the list, which deactivates them, and list them again."""
        everybody, groups = self.listed, self.groups
        stay = {user["userName"] for user in everybody[: self.count // 2]}
        self.listed = [{**user, "active": True} for user in everybody[: self.count // 2]]
        self.groups = {name: [member for member in members if member in stay] for name, members in groups.items()}
        rows = [
            {"displayName": name, "externalId": f"g-{number}", "members": members}
            for number, (name, members) in enumerate(self.groups.items())
        ]
        self.workspace.state(self.listed, rows)
        self.workspace.converge()
        self.check(stay, set(self.names) - stay, self.groups)
        self.listed, self.groups = [{**user, "active": True} for user in everybody], groups
        self.converge()

    def delete(self) -> None:
        """List nobody, where the policy is to delete."""
        self.workspace = replace(self.workspace, unlisted=("delete", "delete"))
        self.listed, self.groups = self.listed[:3], {}
        self.converge()
        self.listed = []
        self.converge()


def fill_and_empty_a_large_group(workspace: Workspace, members: int) -> None:
    """Fill one group with this many members, take half of them out again, and empty it."""
    outside = Independent(workspace.base_url, workspace.token)
    names = [f"member{number:04}@example.com" for number in range(members)]
    users = [{"userName": name, "emails": [name]} for name in names]
    workspace.unlisted = ("delete", "delete")
    live: Live | None = None
    for inside in (names, names[members // 2 :], []):
        workspace.state(users, [{"displayName": "large", "members": inside}])
        live = workspace.converge(live)
        assert outside.members() == {"large": set(inside)}

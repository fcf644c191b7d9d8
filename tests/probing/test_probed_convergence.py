"""A directory that nobody knows converges with the dialect that a probe writes, also where it does not without one."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import reconciler
from probes import PEOPLE, TODAY, holds, probed
from reconciler.applying.outcome import Status
from reconciler.config import DirectoryConfig
from reconciler.live import Wanted
from reconciler.planning import Plan
from reconciler.probing import dialect_text
from reconciler.sandbox.behaviour import Behaviour, behaviour
from reconciler.sandbox.behaviour.definition import Listing, MembersShown
from reconciler.sandbox.server import Sandbox
from reconciler.scim.errors import ScimError
from sandboxes import leaving
from scenario import AS_OF
from third_party import django_scim2, scim2_server
from whole_way import Independent

DIRECTORY = """\
directory: {{name: acme, dialect: {dialect}, base_url: "${{SCIM_BASE_URL}}", token: {{env: SCIM_TOKEN}}}}
unlisted: {{users: ignore, groups: ignore}}
guards: {{memberships: {{remove: {{count: 9}}}}, identity: {{change: {{count: 9}}}}}}
apply: {{max_failures: {{count: 9}}, stop_on_difference: false}}
"""
BEFORE = """\
users:
  - {userName: ada@example.com, displayName: Ada, emails: [ada@example.com],
     name: {givenName: Ada, familyName: Example}}
  - {userName: grace@example.com, displayName: Grace, emails: [grace@example.com],
     name: {givenName: Grace, familyName: Example}}
groups:
  - {displayName: team-new, members: [ada@example.com, grace@example.com]}
  - {displayName: team-other, members: [grace@example.com]}
"""
WITHOUT_DISPLAY_NAMES = re.sub(r"displayName: (Ada|Grace), ", "", BEFORE)
"""Django makes them from the names."""
CHANGES = (
    ("givenName: Grace", "givenName: Gracie"),
    ("[ada@example.com, grace@", "[grace@"),
    ("displayName: team-other", "displayName: team-others, lifecycle: {previously: [team-other]}"),
)


@dataclass
class Unknown:
    """A directory and a workspace for it, without any knowledge of it."""

    folder: Path
    base_url: str
    token: str

    def use(self, dialect: str) -> None:
        (self.folder / "directory.yaml").write_text(DIRECTORY.format(dialect=dialect), encoding="utf-8")

    def probe(self) -> None:
        """Write its dialect, and use it."""
        self.use("generic")
        found = probed((self.base_url, self.token))
        assert found.probe.left_behind == ()
        text = dialect_text(self.config, found.probe, TODAY)
        (self.folder / "acme.dialect.yaml").write_text(text, encoding="utf-8")
        self.use("acme.dialect.yaml")

    @property
    def config(self) -> DirectoryConfig:
        return reconciler.load_config(self.folder)

    def plan(self) -> Plan:
        loaded = reconciler.load(self.folder)
        live = reconciler.read_live(self.config, self.folder, wanted=Wanted.of(loaded.desired), environ=self.environ)
        return reconciler.plan(
            loaded.desired,
            live,
            as_of=AS_OF,
            history=reconciler.recall(loaded.desired.config, self.folder, live.base_url),
        )

    @property
    def environ(self) -> dict[str, str]:
        return {"SCIM_BASE_URL": self.base_url, "SCIM_TOKEN": self.token}

    def failure(self, before: str = BEFORE) -> str:
        """Apply two states, one after the other, and return what went wrong or was left to do; nothing if nothing."""
        after = before
        for old, new in CHANGES:
            after = after.replace(old, new)
        for state in (before, after):
            (self.folder / "resources.yaml").write_text(state, encoding="utf-8")
            try:
                result = reconciler.apply(self.plan(), self.config, self.folder, environ=self.environ, now=AS_OF)
                left = self.plan()
            except ScimError as error:
                return str(error)
            wrong = [one for one in result.outcomes if one.status is not Status.APPLIED]
            if wrong or left.steps:
                return "; ".join(
                    [*(f"{one.step.id}: {one.message}" for one in wrong), *(step.id for step in left.steps)]
                )
        return ""


GENERIC = behaviour("generic")
ONLY_GENERIC_FAILS: dict[str, Behaviour] = {
    "no listing": replace(GENERIC, listing=Listing.REFUSED),
    "one listed of many": replace(GENERIC, listing=Listing.FIRST),
    "members by a filter": behaviour("aws-identity-center"),
    "members in single groups": replace(GENERIC, members_shown=MembersShown.READ),
}


@pytest.mark.parametrize("quirk", ONLY_GENERIC_FAILS)
def test_a_directory_converges_with_its_probed_dialect_where_it_does_not_without(quirk: str, tmp_path: Path) -> None:
    with leaving(Sandbox(ONLY_GENERIC_FAILS[quirk], seed=PEOPLE)) as sandbox:
        unknown = Unknown(tmp_path, sandbox.base_url, sandbox.token)
        unknown.probe()
        assert unknown.failure() == ""
    with leaving(Sandbox(ONLY_GENERIC_FAILS[quirk], seed=PEOPLE)) as sandbox:
        unknown = Unknown(tmp_path, sandbox.base_url, sandbox.token)
        unknown.use("generic")
        assert unknown.failure()


@pytest.mark.parametrize("dialect", ["entra-style", "keycloak"])
def test_a_directory_converges_with_its_probed_dialect(dialect: str, tmp_path: Path) -> None:
    with leaving(Sandbox(dialect, seed=PEOPLE)) as sandbox:
        unknown = Unknown(tmp_path, sandbox.base_url, sandbox.token)
        before = holds(sandbox)
        unknown.probe()
        assert holds(sandbox) == before
        assert unknown.failure() == ""


SERVERS: dict[str, Callable[[], AbstractContextManager[tuple[str, str]]]] = {
    "scim2-server": scim2_server,
    "scim2-server-bare": lambda: scim2_server("bare"),
    "django-scim2": django_scim2,
}


@pytest.mark.slow
@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_others_wrote_is_probed_and_converges(server: str, tmp_path: Path) -> None:
    with SERVERS[server]() as (base_url, token):
        outside = Independent(base_url, token)
        unknown = Unknown(tmp_path, base_url, token)
        unknown.probe()
        assert [*outside.rows("Users"), *outside.rows("Groups")] == []
        assert unknown.failure(WITHOUT_DISPLAY_NAMES) == ""
        assert outside.members() == {"team-new": {"grace@example.com"}, "team-others": {"grace@example.com"}}

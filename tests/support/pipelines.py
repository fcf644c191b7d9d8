"""A repository with a workspace and the files of ``examples/ci``, a directory, and a code host: what a job meets."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from code_hosts import Desk, open_desks
from command_on_path import command_on_path
from reconciler.ci.hosts import Host
from reconciler.sandbox.server import Sandbox
from sandboxes import client_of, leaving

EXAMPLES: Final = Path(__file__).parents[2] / "examples" / "ci"

DIRECTORY = """\
directory:
  name: acme
  base_url: ${SCIM_BASE_URL}
  token: {env: SCIM_TOKEN}
unlisted: {users: deactivate, groups: ignore}
guards:
  users: {deactivate: {count: 1}}
"""
USERS = """\
users:
  - userName: ada@example.com
    title: Engineer
  - userName: bob@example.com
  - userName: eve@example.com
"""
GROUPS = """\
groups:
  - displayName: team-platform
    members: [ada@example.com, bob@example.com]
"""

FAY = f"{USERS}  - userName: fay@example.com\n"
FAY_IN_TEAM = GROUPS.replace("bob@example.com", "bob@example.com, fay@example.com")
NOBODY_BUT_ADA = "users:\n  - userName: ada@example.com\n    title: Engineer\n"


def _seed() -> dict[str, list[dict[str, object]]]:
    """Return what the files state, so that nothing but a change of theirs is ever planned."""
    members = [{"value": f"id-{name}", "type": "User"} for name in ("ada", "bob")]
    users = [{"id": f"id-{name}", "userName": f"{name}@example.com", "active": True} for name in ("ada", "bob", "eve")]
    users[0]["title"] = "Engineer"
    return {"users": users, "groups": [{"id": "id-platform", "displayName": "team-platform", "members": members}]}


@dataclass
class Pipeline:
    """Everything around a job.

    Attributes:
        folder: where things may be put.
        origin: the repository, with a working tree on ``main``.
        sandbox: the directory, which holds what ``main`` states.
        desk: the code host.
        programs: a folder with the command.
    """

    folder: Path
    origin: Path
    sandbox: Sandbox
    desk: Desk
    programs: Path
    author: Mapping[str, str] = field(
        default_factory=lambda: {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Ada Example"), ("EMAIL", "ada@example.com"))
        }
    )

    @property
    def path(self) -> str:
        """What ``PATH`` is in a job."""
        return os.pathsep.join([str(self.programs), "/usr/local/bin", "/usr/bin", "/bin"])

    @property
    def secrets(self) -> dict[str, str]:
        return {"SCIM_TOKEN": self.sandbox.token, "STORE_PASSWORD": "unused"}

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.origin), *arguments]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.author}
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", env=env).stdout.strip()

    def write(self, **files: str) -> None:
        """Write files of the workspace."""
        for name, text in files.items():
            (self.origin / "directory" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def commit(self, message: str, **files: str) -> str:
        """Commit files of the workspace where the working tree is, and return the commit."""
        self.write(**files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def propose(self, message: str, **files: str) -> str:
        """Push a commit to the branch of pull request 7, and return it; the host tries the merge into ``main``."""
        known = self.git("branch", "--list", "change")
        self.git("checkout", "-q", *(["change"] if known else ["-b", "change"]))
        head = self.commit(message, **files)
        self.git("checkout", "-q", "--detach", "main")
        self.git("merge", "-q", "--no-ff", "-m", "Merge pull request #7", "change")
        self.git("update-ref", "refs/pull/7/merge", "HEAD")
        self.git("checkout", "-q", "main")
        return head

    def merge(self) -> str:
        """Merge pull request 7 and return the commit."""
        self.git("merge", "-q", "--no-ff", "-m", "Merge pull request #7", "change")
        return self.git("rev-parse", "HEAD")


@contextmanager
def pipeline(host: Host, folder: Path) -> Iterator[Pipeline]:
    """Set all of it up."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(leaving(Sandbox(seed=_seed(), record=True)))
        desk = stack.enter_context(open_desks())(host)
        programs = stack.enter_context(command_on_path())
        made = Pipeline(folder, folder / "origin", sandbox, desk, programs)
        (made.origin / "directory").mkdir(parents=True)
        if host == "github":
            shutil.copytree(EXAMPLES / "github", made.origin / ".github")
        else:
            shutil.copytree(EXAMPLES / "gitlab", made.origin, dirs_exist_ok=True)
        made.git("init", "-q", "-b", "main")
        made.git("config", "uploadpack.allowAnySHA1InWant", "true")
        made.commit("Begin", directory=DIRECTORY, users=USERS, groups=GROUPS)
        yield made


def names(place: Pipeline) -> set[str]:
    """Return who is in the directory."""
    with client_of(place.sandbox) as client:
        return {user["userName"] for user in client.get("Users").json()["Resources"]}


def somebody_writes(place: Pipeline, name: str, **values: str) -> None:
    with client_of(place.sandbox) as client:
        (user,) = client.get("Users", params={"filter": f'userName eq "{name}"'}).json()["Resources"]
        patch = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "value": values}],
        }
        client.patch(f"Users/{user['id']}", json=patch).raise_for_status()


def somebody_deletes(place: Pipeline, name: str) -> None:
    with client_of(place.sandbox) as client:
        (user,) = client.get("Users", params={"filter": f'userName eq "{name}"'}).json()["Resources"]
        client.delete(f"Users/{user['id']}").raise_for_status()

"""The real command in a process of its own, as a person or a pipeline calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler import load_config
from reconciler.sandbox.server import Sandbox
from reconciler.store import RunRecord, StepRecord, Store

COMMAND = (sys.executable, "-W", "error", "-m", "reconciler")

DIRECTORY = """\
directory:
  name: acme
  dialect: {dialect}
  base_url: ${{SCIM_BASE_URL}}
  token: {{env: SCIM_TOKEN}}
unlisted: {{users: {users}, groups: ignore}}
apply: {{chunk_size: 5, concurrency: {concurrency}}}
"""

ADA_AND_TEAM = """\
users:
  - userName: ada@example.com
    title: Engineer
groups:
  - displayName: team-platform
    members: [ada@example.com]
"""


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without what would change colours or point to some directory."""
    ours = ("NO_COLOR", "FORCE_COLOR", "SCIM_BASE_URL", "SCIM_TOKEN")
    return {name: value for name, value in os.environ.items() if name not in ours} | variables


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.stdout)

    @property
    def last_line(self) -> str:
        return self.stdout.splitlines()[-1]


def call(arguments: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Done:
    """Run the command to its end; nobody is at its standard input."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment() if env is None else env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass
class Workspace:
    """A workspace and the sandbox that it is for."""

    path: Path
    sandbox: Sandbox
    variables: dict[str, str] = field(default_factory=dict)

    def state(self, yaml: str, *, users: str = "deactivate", dialect: str = "generic", concurrency: int = 4) -> None:
        """State this, and nothing else."""
        text = DIRECTORY.format(dialect=dialect, users=users, concurrency=concurrency)
        (self.path / "directory.yaml").write_text(text, encoding="utf-8")
        (self.path / "resources.yaml").write_text(yaml, encoding="utf-8")

    @property
    def env(self) -> dict[str, str]:
        return environment(SCIM_BASE_URL=self.sandbox.base_url, SCIM_TOKEN=self.sandbox.token, **self.variables)

    def call(self, *arguments: str) -> Done:
        return call([*arguments, "-C", str(self.path)], env=self.env)

    def runs(self) -> list[tuple[RunRecord, list[StepRecord]]]:
        """The runs in the store with their ledgers, the oldest first."""
        store = Store.open_existing(load_config(self.path), self.path, self.env)
        if store is None:
            return []
        with store:
            return [(run, store.steps_of(run.id)) for run in reversed(store.runs())]

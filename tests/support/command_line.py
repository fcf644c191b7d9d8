"""The real command in a process of its own, as a person or a pipeline calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fork_server import forks
from reconciler import load_config
from reconciler.sandbox.server import Sandbox
from reconciler.store import RunRecord, StepRecord, Store

COMMAND = (sys.executable, "-W", "error", "-m", "reconciler")

_LONGEST = 60  # seconds

_OUTPUT = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RECONCILER_PAGER", "PAGER", "LESS")
_PIPELINES = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "BUILDKITE", "JENKINS_URL", "TEAMCITY_VERSION")
_OURS = (*_OUTPUT, *_PIPELINES, "SCIM_BASE_URL", "SCIM_TOKEN")

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
    """This process's environment without what would change output, name a pipeline, or point to some directory."""
    return {name: value for name, value in os.environ.items() if name not in _OURS} | variables


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
    variables = environment() if env is None else env
    if _for_python(variables) != _for_python(os.environ):
        return call_anew(arguments, variables, cwd)
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        process = forks().start(arguments, variables, output, errors=errors, cwd=cwd)
        watch = threading.Timer(_LONGEST, process.kill)
        watch.start()
        try:
            code = process.wait()
        finally:
            watch.cancel()
        return Done(code, output.read_text(encoding="utf-8"), errors.read_text(encoding="utf-8"))


def call_anew(arguments: Sequence[str], variables: Mapping[str, str], cwd: Path | None = None) -> Done:
    """Do the same in a process that imports everything itself, in the order of this very command."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=variables,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_LONGEST,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _for_python(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what Python itself looks at, and only when it starts."""
    return {name: value for name, value in variables.items() if name.startswith(("PYTHON", "LC_", "LANG", "TZ"))}


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

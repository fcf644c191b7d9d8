"""Runs GitHub's workflow files: their ``run:`` steps in bash, as a runner would, in a clone of a repository.

What only a real runner can do has a stand-in, each of them listed in :data:`STAND_INS`. Anything else that a file asks
for is an error: what is not known here has not been tried.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

import yaml

from workflow_expressions import Contexts, filled, holds

Outcome: TypeAlias = Literal["success", "failure", "skipped"]
_Step: TypeAlias = dict[str, Any]

INSTALL: Final = "Install reconciler"
"""The step that is not run here: what it installs is on ``PATH`` already. It has a test of its own."""


@dataclass(frozen=True)
class Event:
    """What starts workflows.

    Attributes:
        name: ``pull_request``, ``push``, ``schedule``, ``workflow_dispatch``.
        ref: what is checked out.
        payload: what the webhook says.
        inputs: of a ``workflow_dispatch``.
    """

    name: str
    ref: str = "refs/heads/main"
    payload: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Step:
    """A step that has been tried, or skipped; those inside of a composite action are steps too."""

    name: str
    outcome: Outcome
    code: int = 0
    said: str = ""
    tolerated: bool = False


@dataclass
class Job:
    """A job that has ended."""

    name: str
    outcome: Outcome = "skipped"
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    stood_in: list[str] = field(default_factory=list)
    summary: str = ""

    def step(self, name: str) -> Step:
        (found,) = [step for step in self.steps if step.name == name]
        return found

    @property
    def said(self) -> str:
        """The log."""
        return "".join(step.said for step in self.steps)

    @property
    def annotations(self) -> list[str]:
        """The workflow commands in the log that become annotations."""
        return [line for line in self.said.splitlines() if line.startswith(("::error ", "::warning ", "::notice "))]

    @property
    def code(self) -> int:
        """The exit code of the step that ended the job; 0 where none did."""
        return next((step.code for step in self.steps if step.outcome == "failure" and not step.tolerated), 0)


@dataclass
class Runner:
    """A repository at GitHub, and its runners.

    Attributes:
        origin: the repository, with all refs.
        folder: where jobs get their folders.
        path: what stands in ``PATH``.
        host: the variables by which a job knows the host.
        token: ``github.token``.
        variables: of the repository (``vars``).
        secrets: of each environment; those of ``""`` are the repository's. A pull request from a fork sees none.
        artifacts: what was kept, by name.
    """

    origin: Path
    folder: Path
    path: str
    host: Mapping[str, str]
    token: str
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    from_fork: bool = False
    _runs: int = 0

    def run(self, workflow: str, event: Event) -> dict[str, Job]:
        """Run a workflow of the repository as it is at the ref of an event."""
        document = yaml.safe_load(self.git("show", f"{event.ref}:.github/workflows/{workflow}"))
        # YAML 1.1 reads the key `on` as true.
        assert event.name in document[True], f"{workflow} does not run on {event.name}"
        self._runs += 1
        jobs: dict[str, Job] = {}
        for name, stated in document["jobs"].items():
            needs = [stated["needs"]] if isinstance(stated.get("needs"), str) else stated.get("needs", [])
            place = self.folder / f"run{self._runs}" / name
            jobs[name] = _JobRun(self, event, document, stated, place, {need: jobs[need] for need in needs}, name).run()
        return jobs

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.origin), *arguments]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


@dataclass
class _Frame:
    """Where a list of steps runs: a job, or a composite action in it."""

    contexts: dict[str, Any]
    env: dict[str, str]
    failed: bool = False


@dataclass
class _JobRun:
    runner: Runner
    event: Event
    document: Mapping[str, Any]
    stated: Mapping[str, Any]
    place: Path
    needs: Mapping[str, Job]
    name: str

    def run(self) -> Job:
        self.job = Job(self.name)
        for folder in ("workspace", "temp"):
            (self.place / folder).mkdir(parents=True)
        contexts = self._contexts()
        well = all(job.outcome == "success" for job in self.needs.values())
        if not holds(self.stated.get("if"), contexts, _status(failed=not well)):
            return self.job
        env = {name: filled(str(value), contexts) for name, value in self.document.get("env", {}).items()}
        contexts["env"] = env
        frame = _Frame(contexts, env)
        self._steps(self.stated["steps"], frame)
        self.job.outcome = "failure" if frame.failed else "success"
        outputs = self.stated.get("outputs", {})
        self.job.outputs = {name: filled(str(value), contexts) for name, value in outputs.items()}
        return self.job

    def _contexts(self) -> dict[str, Any]:
        runner, event = self.runner, self.event
        secrets = runner.secrets.get("", {}) | runner.secrets.get(self.stated.get("environment", ""), {})
        event_file = self.place / "event.json"
        event_file.write_text(json.dumps(dict(event.payload)), encoding="utf-8")
        self.sha = runner.git("rev-parse", event.ref).strip()
        github = {
            "ref": event.ref,
            "sha": self.sha,
            "event": event.payload,
            "repository": runner.host["GITHUB_REPOSITORY"],
            "token": runner.token,
        }
        return {
            "github": github,
            "inputs": event.inputs,
            "needs": {name: {"outputs": job.outputs, "result": job.outcome} for name, job in self.needs.items()},
            "runner": {"temp": str(self.place / "temp")},
            "secrets": {} if runner.from_fork else secrets,
            "vars": runner.variables,
            "steps": {},
        }

    def _steps(self, steps: list[_Step], frame: _Frame) -> None:
        for number, step in enumerate(steps, 1):
            name = step["name"]
            if not holds(step.get("if"), frame.contexts, _status(failed=frame.failed)):
                self.job.steps.append(Step(name, "skipped"))
                frame.contexts["steps"][step.get("id", number)] = {"outputs": {}, "outcome": "skipped"}
                continue
            outputs: dict[str, str] = {}
            env = frame.env | {key: filled(str(value), frame.contexts) for key, value in step.get("env", {}).items()}
            well = self._uses(step, env, frame, outputs) if "uses" in step else self._runs(step, env, outputs)
            outcome: Outcome = "success" if well else "failure"
            frame.contexts["steps"][step.get("id", number)] = {"outputs": outputs, "outcome": outcome}
            frame.failed |= not (well or step.get("continue-on-error", False))

    def _uses(self, step: _Step, env: dict[str, str], frame: _Frame, outputs: dict[str, str]) -> bool:
        given = {key: filled(str(value), frame.contexts) for key, value in step.get("with", {}).items()}
        if step["uses"].startswith("./"):
            return self._composite(self.workspace / step["uses"], given, env, frame, outputs)
        action, _, revision = step["uses"].partition("@")
        assert len(revision) == 40, f"{action} is not pinned"
        self.job.stood_in.append(action)
        STAND_INS[action](self, given)
        self.job.steps.append(Step(step["name"], "success"))
        return True

    def _composite(
        self, folder: Path, given: dict[str, str], env: dict[str, str], frame: _Frame, outputs: dict[str, str]
    ) -> bool:
        action = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
        stated = action["inputs"]
        assert given.keys() <= stated.keys()
        missing = [name for name, one in stated.items() if one.get("required") and name not in given]
        assert not missing, f"without {missing}"
        defaults = {name: filled(one.get("default", ""), frame.contexts) for name, one in stated.items()}
        # No secrets in there: a composite action has that context not.
        shared: Contexts = {name: frame.contexts[name] for name in ("github", "runner")}
        contexts: dict[str, Any] = {**shared, "inputs": defaults | given, "steps": {}, "env": env}
        inner = _Frame(contexts, env)
        assert all("run" not in one or one.get("shell") == "bash" for one in action["runs"]["steps"])
        self._steps(action["runs"]["steps"], inner)
        outputs |= {name: filled(one["value"], contexts) for name, one in action.get("outputs", {}).items()}
        return not inner.failed

    def _runs(self, step: _Step, env: dict[str, str], outputs: dict[str, str]) -> bool:
        if step["name"] == INSTALL:
            self.job.stood_in.append(INSTALL)
            self.job.steps.append(Step(INSTALL, "success"))
            return True
        assert "${{" not in step["run"], "what is foreign gets into a script by its environment alone"
        files = {name: self.place / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        script = self.place / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax, steps[*].shell
        strictly = ("--noprofile", "--norc", "-eo", "pipefail") if step.get("shell") == "bash" else ("-e",)
        done = subprocess.run(
            ["bash", *strictly, str(script)],
            cwd=self.workspace,
            env=self._environment() | env | {name: str(file) for name, file in files.items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        outputs |= dict(_assignments(files["GITHUB_OUTPUT"].read_text(encoding="utf-8")))
        self.job.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        outcome: Outcome = "success" if done.returncode == 0 else "failure"
        tolerated = step.get("continue-on-error", False)
        self.job.steps.append(Step(step["name"], outcome, done.returncode, done.stdout, tolerated))
        return done.returncode == 0

    def _environment(self) -> dict[str, str]:
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.event.name,
            "GITHUB_EVENT_PATH": str(self.place / "event.json"),
            "GITHUB_REF": self.event.ref,
            "GITHUB_RUN_ID": str(self.runner._runs),
            "GITHUB_SHA": self.sha,
            "HOME": str(self.place),
            "PATH": self.runner.path,
            "RUNNER_TEMP": str(self.place / "temp"),
            **self.runner.host,
        }

    @property
    def workspace(self) -> Path:
        return self.place / "workspace"

    def check_out(self, given: Mapping[str, str]) -> None:
        """Clone no deeper than asked for."""
        assert given.keys() <= {"persist-credentials", "fetch-depth"}
        depth = given.get("fetch-depth", "1")
        deep = () if depth == "0" else (f"--depth={depth}",)
        origin = f"file://{self.runner.origin}"
        for command in (
            ["init", "-q"],
            ["fetch", "-q", *deep, origin, f"{self.event.ref}:refs/remotes/event"],
            ["checkout", "-q", self.sha],
        ):
            subprocess.run(["git", *command], cwd=self.workspace, check=True, capture_output=True)

    def keep(self, given: Mapping[str, str]) -> None:
        """Keep an artifact."""
        kept, source = self.place / "artifacts" / given["name"], Path(given["path"])
        assert source.exists() or given.get("if-no-files-found") != "error"
        shutil.copytree(source, kept)
        self.runner.artifacts[given["name"]] = kept

    def fetch(self, given: Mapping[str, str]) -> None:
        """Fetch one."""
        shutil.copytree(self.runner.artifacts[given["name"]], given["path"], dirs_exist_ok=True)


STAND_INS: Final[Mapping[str, Callable[[_JobRun, Mapping[str, str]], None]]] = MappingProxyType(
    {
        "actions/checkout": _JobRun.check_out,
        "actions/setup-python": lambda _job, _given: None,
        "actions/upload-artifact": _JobRun.keep,
        "actions/download-artifact": _JobRun.fetch,
    }
)
"""What stands in for actions that only a real runner has."""


def _status(*, failed: bool) -> Mapping[str, Callable[[], bool]]:
    return {
        "success": lambda: not failed,
        "failure": lambda: failed,
        "always": lambda: True,
        "cancelled": lambda: False,
    }


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        assert equals
        yield name, value

"""Runs ``.gitlab-ci.yml``: the lines of its jobs in bash, as a runner would, in a clone of a repository.

What is not known here is an error. The ``before_script``, which installs the command, is left out: it is on ``PATH``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import yaml

Outcome: TypeAlias = Literal["success", "failed", "warning", "manual", "skipped"]

_NO_JOBS: Final = ("stages", "workflow", "variables", "default")
_KNOWN: Final = frozenset(
    {"stage", "timeout", "interruptible", "rules", "environment", "variables", "script", "artifacts", "needs"}
    | {"resource_group", "allow_failure"}
)
_COMPARISON: Final = re.compile(r"\$(\w+) (==|!=) (?:\$(\w+)|\"(.*)\")")


@dataclass
class Job:
    """A job that has ended, or waits for somebody.

    Attributes:
        kept: the folder with its artifacts.
        report: its Code Quality report.
    """

    name: str
    outcome: Outcome
    code: int = 0
    said: str = ""
    kept: Path | None = None
    report: Path | None = None

    @property
    def files(self) -> set[str]:
        """The names of what was kept."""
        assert self.kept is not None
        return {file.name for file in self.kept.iterdir()}


@dataclass
class Runner:
    """A project at GitLab, and its runners.

    Attributes:
        origin: the repository.
        folder: where jobs get their folders.
        path: what stands in ``PATH``.
        variables: of the project, and those that GitLab sets itself.
        scoped: variables of each environment.
    """

    origin: Path
    folder: Path
    path: str
    variables: dict[str, str]
    scoped: dict[str, dict[str, str]] = field(default_factory=dict)
    _runs: int = 0

    def run(self, source: str, ref: str = "main", *, play: tuple[str, ...] = (), **variables: str) -> dict[str, Job]:
        """Run a pipeline of the repository as it is at a ref.

        Args:
            source: ``push``, ``schedule``, ``web``, ``merge_request_event``.
            ref: a branch.
            play: the manual jobs that somebody starts.
            variables: those of this pipeline.
        """
        self._runs += 1
        stated = yaml.safe_load(self._git("show", f"{ref}:.gitlab-ci.yml"))
        branch = {} if source == "merge_request_event" else {"CI_COMMIT_BRANCH": ref}
        known = {"CI_PIPELINE_SOURCE": source, "CI_DEFAULT_BRANCH": "main", **branch, **self.variables, **variables}
        known |= stated["variables"]
        assert _rule(stated["workflow"]["rules"], known) is not None, "no pipeline"
        jobs: dict[str, Job] = {}
        names = [name for name in stated if name not in _NO_JOBS]
        for name in sorted(names, key=lambda one: stated["stages"].index(stated[one]["stage"])):
            job = stated[name]
            assert job.keys() <= _KNOWN, job.keys() - _KNOWN
            rule = _rule(job["rules"], known)
            if rule is None:
                continue
            if any(one.outcome in ("failed", "skipped") for one in jobs.values()):
                jobs[name] = Job(name, "skipped")
            elif rule.get("when") == "manual" and name not in play:
                jobs[name] = Job(name, "manual")
            else:
                jobs[name] = self._job(name, job, ref, known, [jobs[need] for need in job.get("needs", [])])
        return jobs

    def _job(self, name: str, job: Mapping[str, Any], ref: str, known: Mapping[str, str], needs: list[Job]) -> Job:
        place = self.folder / f"pipeline{self._runs}" / name
        workspace = place / "workspace"
        workspace.mkdir(parents=True)
        own = job.get("variables", {})
        deep = () if own.get("GIT_DEPTH") == "0" else ("--depth=20",)
        for command in (
            ["init", "-q"],
            ["fetch", "-q", *deep, f"file://{self.origin}", ref],
            ["checkout", "-q", "FETCH_HEAD"],
        ):
            subprocess.run(["git", *command], cwd=workspace, check=True, capture_output=True)
        for need in needs:
            assert need.kept is not None
            shutil.copytree(need.kept, workspace, dirs_exist_ok=True)
        scoped = self.scoped.get(job.get("environment", {}).get("name", ""), {})
        done = subprocess.run(
            # https://docs.gitlab.com/runner/shells/: all lines in one shell, which ends with the first that fails.
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", "\n".join(job["script"])],
            cwd=workspace,
            env={"CI": "true", "GITLAB_CI": "true", "HOME": str(place), "PATH": self.path, **known, **own, **scoped},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        tolerated = job.get("allow_failure", {}).get("exit_codes", [])
        outcome: Outcome = (
            "success" if done.returncode == 0 else "warning" if done.returncode in tolerated else "failed"
        )
        found = Job(name, outcome, done.returncode, done.stdout)
        self._keep(found, job.get("artifacts", {}), workspace, place / "kept")
        return found

    def _keep(self, job: Job, artifacts: Mapping[str, Any], workspace: Path, kept: Path) -> None:
        if job.outcome == "failed" and artifacts.get("when") != "always":
            return
        kept.mkdir()
        for name in artifacts.get("paths", []):
            if (workspace / name).exists():
                shutil.copy(workspace / name, kept)
        job.kept = kept
        report = artifacts.get("reports", {}).get("codequality")
        job.report = workspace / report if report else None

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.origin), *arguments]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def _rule(rules: list[dict[str, str]], variables: Mapping[str, str]) -> dict[str, str] | None:
    """Return the first rule that holds."""
    return next((rule for rule in rules if _holds(rule["if"], variables)), None)


def _holds(condition: str, variables: Mapping[str, str]) -> bool:
    for part in condition.split(" && "):
        match = _COMPARISON.fullmatch(part)
        assert match, f"not understood: {part}"
        name, sign, other, text = match.groups()
        right = variables.get(other) if other else text
        if (variables.get(name) == right) != (sign == "=="):
            return False
    return True

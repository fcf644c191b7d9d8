"""What the tests of docs/safety.md share: a company whose files and directory agree, until something goes wrong.

The page is the specification. Each of its rows names a test, the exit code and the words that a person sees; the test
brings the disaster about, and :meth:`Case.stops` holds what happened to what its row says.
"""

from __future__ import annotations

import functools
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from command_line import Done, environment
from reconciler import load_config
from reconciler.cli.entry import run
from reconciler.model import Kind
from reconciler.sandbox.faults import FaultRule, Requests, When
from reconciler.sandbox.faults.exchange import Answer, Stateless, Turn
from reconciler.sandbox.gate import RecordedRequest
from reconciler.sandbox.seed import dump, load_seed
from reconciler.sandbox.server import Sandbox
from reconciler.store import RunRecord, StepRecord, Store

PAGE = Path(__file__).parents[2] / "docs" / "safety.md"
APPLY = ("apply", "--auto-approve")

Resource: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A disaster, as the page describes it.

    Attributes:
        what: what goes wrong.
        stop: what stops it.
        code: the exit code.
        words: what is said, in this order; each text in the parts that stand around its ``…``.
        test: the name of the test.
    """

    what: str
    stop: str
    code: int
    words: tuple[tuple[str, ...], ...]
    test: str


@functools.cache
def rows() -> tuple[Row, ...]:
    """Return the rows of all tables of the page."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 5 and cells[4].startswith("`test_"):
            texts = [text for _, text in re.findall(r"(`+) ?(.+?) ?\1", cells[3])]
            words = tuple(tuple(part.strip() for part in text.split("…") if part.strip()) for text in texts)
            found.append(Row(cells[0], cells[1], int(cells[2]), words, cells[4].strip("`")))
    return tuple(found)


def row_of(test: str) -> Row:
    """Return the row that names a test."""
    (row,) = [row for row in rows() if row.test == test] or [Row("", "", 0, (), test)]
    return row


def user(number: int, **attributes: Any) -> Resource:
    """Return one of the people of the company."""
    name = f"u{number:02}@example.com"
    emails = [{"value": name, "type": "work", "primary": True}]
    return {"userName": name, "externalId": f"x-{number:02}", "title": "Engineer", "emails": emails, **attributes}


def names(numbers: Iterable[int]) -> list[str]:
    """Return userNames."""
    return [user(number)["userName"] for number in numbers]


def people() -> list[Resource]:
    """Return forty people who are there, and listed."""
    return [user(number) for number in range(40)]


def teams(**members: Sequence[str]) -> list[Resource]:
    """Return the groups of the company; those that are named with other members."""
    usual = {
        "team-platform": names(range(20)),
        "team-sales": names(range(20, 40)),
        "team-web": names(range(0, 40, 4)),
        "org-admins": names(range(3)),
    }
    return [
        {"displayName": name, "members": list(who)}
        for name, who in (usual | {name.replace("_", "-"): who for name, who in members.items()}).items()
    ]


def is_write(request: RecordedRequest) -> bool:
    """Tell whether a request could have changed something. A search by POST (RFC 7644 §3.4.3) cannot."""
    return request.method not in ("GET", "HEAD") and not request.path.endswith("/.search")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten(Stateless):
    """A listing or a resource that a server, or something before it, tells otherwise than it is.

    Attributes:
        change: gets the document, and returns what is told instead.
    """

    change: Callable[[Resource], Resource]

    async def __call__(self, turn: Turn) -> Answer:
        """Tell something else."""
        answer = await turn.forward(turn.request)
        document = answer.json()
        if answer.status != 200 or not isinstance(document, dict):
            return answer
        turn.injected = True
        return answer.with_json(self.change(document))


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanwhile(Stateless):
    """Something happens elsewhere right before the directory gets a request.

    Attributes:
        happens: what.
        answered: whether the request is carried out and answered then, or lost.
    """

    happens: Callable[[], None]
    answered: bool = True

    async def __call__(self, turn: Turn) -> Answer:
        """Let it happen."""
        turn.injected = True
        self.happens()
        return await turn.forward(turn.request) if self.answered else Answer(status=0, reset=True)


WRITES = Requests(methods=("POST", "PUT", "PATCH", "DELETE"))


@dataclass
class Case:
    """A company with its workspace and its directory, and the row of the disaster that is about to happen to it.

    Attributes:
        row: what the page says.
        path: the workspace.
        sandbox: the directory.
        variables: what the environment says beside where the directory is.
    """

    row: Row
    path: Path
    sandbox: Sandbox
    variables: dict[str, str] = field(default_factory=dict)

    def hold(self, users: Iterable[Resource], groups: Iterable[Resource]) -> None:
        """Put these into the directory, beside what it holds."""
        load_seed(self.sandbox.directory, {"users": list(users), "groups": list(groups)})

    def id_of(self, name: str) -> str:
        """Return the id of somebody or something in the directory."""
        with self.sandbox.directory.lock:
            resources = [one for kind in Kind for one in self.sandbox.directory.resources(kind)]
        (found,) = [one["id"] for one in resources if name in (one.get("userName"), one.get("displayName"))]
        return str(found)

    def state(
        self, users: Iterable[Resource] | None = None, groups: Iterable[Resource] | None = None, **settings: Any
    ) -> None:
        """Write the files: everybody and all teams, with the usual settings, where nothing else is given."""
        usual: dict[str, Any] = {
            "directory": {
                "name": "acme",
                "base_url": "${SCIM_BASE_URL}",
                "token": {"env": "SCIM_TOKEN"},
                # So that a write is a request, which can be counted.
                "capabilities": {"bulk_operations": 0} | settings.pop("capabilities", {}),
            },
            "unlisted": {"users": "deactivate", "groups": "delete"},
        }
        self.write("directory.yaml", usual | settings)
        self.write("people.yaml", {"users": people() if users is None else list(users)})
        self.write("teams.yaml", {"groups": teams() if groups is None else list(groups)})

    def write(self, name: str, content: Mapping[str, Any] | str) -> None:
        """Write one file of the workspace."""
        # JSON is YAML, and is written faster.
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        (self.path / name).write_text(text, encoding="utf-8")

    @property
    def env(self) -> dict[str, str]:
        """The environment of a command."""
        return environment(SCIM_BASE_URL=self.sandbox.base_url, SCIM_TOKEN=self.sandbox.token) | self.variables

    def run(self, *arguments: str) -> Done:
        """Run the command line, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in os.environ.keys() - self.env.keys():
                patch.delenv(name)
            for name, value in self.env.items():
                patch.setenv(name, value)
            code = run([*arguments, "-C", str(self.path)])
        return Done(int(code), out.getvalue(), err.getvalue())

    def done(self, *arguments: str) -> Done:
        """Run a command that has to succeed, because the disaster comes later."""
        done = self.run(*arguments)
        assert done.code == 0, done.stdout + done.stderr
        return done

    def fails(self, *faults: FaultRule) -> None:
        """Let these faults happen from now on."""
        self.sandbox.use_faults(faults)

    def stops(self, *arguments: str, writes: int = 0) -> Done:
        """Run the command that meets the disaster, and hold it to the row: exit code, words, and what was written.

        Args:
            arguments: the command; an apply that asks nobody where nothing else is given.
            writes: how many requests to write may have reached the directory before the stop. With none, it holds
                afterwards what it held before.
        """
        return self.stopped(lambda: self.run(*(arguments or APPLY)), writes=writes)

    def stopped(self, what: Callable[[], Done], *, writes: int = 0) -> Done:
        """Do what meets the disaster, and hold it to the row, likewise."""
        before, seen = self.content, len(self.sandbox.requests)
        done = what()
        written = [request for request in self.sandbox.requests[seen:] if is_write(request)]
        assert len(written) == writes, [(request.method, request.path, request.status) for request in written]
        if not writes:
            assert self.content == before
        self.hold_to_row(done)
        return done

    def hold_to_row(self, done: Done) -> None:
        """Compare exit code and words with what the page says."""
        said = " ".join(f"{done.stdout}\n{done.stderr}".split())
        assert "Traceback" not in said
        assert self.row.words, f"docs/safety.md has no row for {self.row.test}, which ended with {done.code}: {said}"
        assert done.code == self.row.code, said
        for parts in self.row.words:
            place = 0
            for part in parts:
                found = said.find(part, place)
                assert found >= 0, f"{part!r} is not said: {said}"
                place = found + len(part)

    @property
    def content(self) -> Resource:
        """What the directory holds."""
        return dump(self.sandbox.directory)

    @property
    def written(self) -> int:
        """How many requests to write the directory has carried out so far."""
        return sum(is_write(request) and 200 <= request.status < 300 for request in self.sandbox.requests)

    def runs(self) -> list[tuple[RunRecord, list[StepRecord]]]:
        """Return the runs in the store with their ledgers, the oldest first."""
        store = Store.open_existing(load_config(self.path), self.path, self.env)
        if store is None:
            return []
        with store:
            return [(run, store.steps_of(run.id)) for run in reversed(store.runs())]


def on_write(number: int, fault: Stateless) -> FaultRule:
    """Return the rule by which a fault meets one write, counted from 1."""
    return FaultRule(fault=fault, requests=WRITES, when=When(skip=number - 1, count=1))

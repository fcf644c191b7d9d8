"""What a plan costs at scale: read YAML, validate, fetch over HTTP, plan, render.

    python benchmarks/plan_scale.py --users 5000 --groups 250 --members 50000 --baseline

A workspace and a directory of that size are made up, and a sandbox serves the directory from a process of its own.
Each way of planning runs in a fresh process, so that its memory is its own. CPU seconds are those of that process
(user and system); peak memory is what its resident set grew to beyond what it had after its imports. On a shared
machine read ratios, not seconds; counts are exact.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from generate import Size, add_size_options, size_from, write_workspace

if TYPE_CHECKING:
    from reconciler.model import Live
    from reconciler.planning import Plan

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
_PAGE = 100
"""Rows that the ready-made parts ask for at once: as many as reconciler does."""


def _peak() -> int:
    """Return the highest resident set of this process so far, in bytes."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else kilobytes * 1024


@dataclass(frozen=True, slots=True)
class Phase:
    """What one phase cost: CPU seconds, and the peak of the resident set so far, in bytes."""

    name: str
    cpu: float
    peak: int


@dataclass(slots=True)
class Measurement:
    """The phases of one way of planning, what they took together in wall seconds, and what was counted on the way."""

    name: str
    wall: float = 0.0
    phases: list[Phase] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    _before: int = field(default_factory=_peak)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.wall += time.perf_counter() - wall
        self.phases.append(Phase(name, time.process_time() - cpu, max(_peak() - self._before, 0)))

    @property
    def cpu(self) -> float:
        """CPU seconds of all phases."""
        return sum(phase.cpu for phase in self.phases)

    @property
    def peak(self) -> int:
        """The highest peak, in bytes."""
        return max(phase.peak for phase in self.phases)


def reconciler_way(workspace: Path, base_url: str, token: str) -> Measurement:
    """Measure this package's own phases."""
    from reconciler.desired import load  # imported by the measured process alone, before it is measured
    from reconciler.live import read_live
    from reconciler.planning import plan
    from reconciler.rendering import render_text
    from reconciler.scim.client import ScimClient
    from reconciler.scim.dialects import load_dialect

    async def fetch() -> Live:
        async with ScimClient(base_url, token) as client:
            return await read_live(client, load_dialect("generic"))

    measured = Measurement("reconciler")
    with measured.phase("load"):
        desired = load(workspace).desired
    with measured.phase("fetch"):
        live = asyncio.run(fetch())
    with measured.phase("plan"):
        planned = plan(desired, live, as_of=AS_OF)
    with measured.phase("render"):
        text = render_text(planned, color=False)
    _tell_validation_apart(measured, workspace)
    _tell_effect_apart(measured, live, planned)
    measured.counts |= {
        "users": len(live.users),
        "groups": len(live.groups),
        "memberships": sum(len(group.members or ()) for group in live.groups),
        "requests": live.statistics.requests,
        "bytes received": live.statistics.bytes,
        "steps": len(planned.steps),
        "membership edges to change": sum(len(step.members) for step in planned.steps),
        "people whose access changes": len(planned.effect.users),
        "bytes rendered": len(text.encode()),
    }
    return measured


def _tell_validation_apart(measured: Measurement, workspace: Path) -> None:
    """Divide "load", which reads and checks file by file, by reading everything once more without any check."""
    from reconciler.desired.problems import Problems
    from reconciler.desired.workspace import find_files, read_file
    from reconciler.desired.yaml_builder import Texts
    from reconciler.desired.yaml_reader import read_yaml

    load, *others = measured.phases
    before = time.process_time()
    problems, texts = Problems(), Texts()
    documents = [
        read_yaml(read_file(file, problems) or b"", file.name, problems, texts)
        for file in find_files(workspace, problems)
    ]
    reading = min(time.process_time() - before, load.cpu)
    measured.counts["files"] = len(documents)
    measured.phases = [
        Phase("read YAML", reading, load.peak),
        Phase("validate", load.cpu - reading, load.peak),
        *others,
    ]


def _tell_effect_apart(measured: Measurement, live: Live, planned: Plan) -> None:
    """Divide "plan" into what is to be done and whose access that changes, by working out the latter once more."""
    from reconciler.planning.access import effect_on

    before = time.process_time()
    effect_on(live, planned.steps)
    whole = next(phase for phase in measured.phases if phase.name == "plan")
    effect = min(time.process_time() - before, whole.cpu)
    parts = [Phase("plan", whole.cpu - effect, whole.peak), Phase("effect", effect, whole.peak)]
    position = measured.phases.index(whole)
    measured.phases[position : position + 1] = parts


def ready_made_way(workspace: Path, base_url: str, token: str) -> Measurement:
    """Measure the same job done with ready-made parts, one after the other: what anybody would write first."""
    import httpx  # imported by the measured process alone, before it is measured
    import jsonschema
    import yaml

    from reconciler.desired import json_schema

    validator = jsonschema.Draft202012Validator(json_schema("resources"))
    measured = Measurement("ready-made")
    documents: list[dict[str, Any]] = []
    with measured.phase("read YAML"):
        for path in sorted(workspace.glob("*/*.yaml")):
            with path.open("rb") as file:
                documents.append(yaml.load(file, Loader=yaml.CSafeLoader))
    with measured.phase("validate"):
        problems = [error.message for document in documents for error in validator.iter_errors(document)]
    with measured.phase("fetch"), httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        pages = [list(_pages(client, f"{base_url}/{endpoint}")) for endpoint in ("Users", "Groups")]
        users, groups = ([row for page, _ in listing for row in page] for listing in pages)
    with measured.phase("plan"):
        differences = list(_compare(documents, users, groups))
    with measured.phase("render"):
        text = "\n".join(differences)
    measured.counts |= {
        "users": len(users),
        "groups": len(groups),
        "memberships": sum(len(group.get("members", ())) for group in groups),
        "requests": sum(map(len, pages)),
        "bytes received": sum(size for listing in pages for _, size in listing),
        "problems": len(problems),
        "differences": len(differences),
        "bytes rendered": len(text.encode()),
    }
    return measured


def _pages(client: Any, url: str) -> Iterator[tuple[list[Any], int]]:
    """Yield the rows and the bytes of each page. The client is httpx's, which this process must not import."""
    received, total = 0, 1
    while received < total:
        response = client.get(url, params={"startIndex": received + 1, "count": _PAGE})
        response.raise_for_status()
        body = response.json()
        total = body["totalResults"]
        received += len(body["Resources"])
        yield body["Resources"], len(response.content)


def _compare(documents: list[dict[str, Any]], users: list[Any], groups: list[Any]) -> Iterator[str]:
    from reconciler.attributes import ENTERPRISE_USER

    live_users = {row["userName"].casefold(): row for row in users}
    live_groups = {row["displayName"].casefold(): row for row in groups}
    ids = {name: row["id"] for name, row in live_users.items()}
    for document in documents:
        for stated in document.get("users", ()):
            emails = [{"value": email, "type": "work", "primary": True} for email in stated["emails"]]
            wanted = {"active": True, **stated, "emails": emails}
            enterprise = {key: wanted.pop(key) for key in ("employeeNumber", "department")}
            wanted[ENTERPRISE_USER] = enterprise
            row = live_users.get(stated["userName"].casefold(), {})
            if any(row.get(key) != value for key, value in wanted.items()):
                yield f"~ {stated['userName']}"
        for stated in document.get("groups", ()):
            row = live_groups.get(stated["displayName"].casefold(), {})
            present = {member["value"] for member in row.get("members", ())}
            if {ids[name.casefold()] for name in stated["members"]} != present:
                yield f"~ {stated['displayName']}"


Way = Callable[[Path, str, str], Measurement]


def _measure(way: Way, workspace: Path, base_url: str, token: str) -> Measurement:
    """Run one way in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(way, (workspace, base_url, token))


@contextmanager
def _directory(size: Size) -> Iterator[tuple[str, str]]:
    """Serve a directory of a size from a process of its own; yield its base URL and its token."""
    program = Path(__file__).with_name("generate.py")
    options = [f"--{name}={value}" for name, value in asdict(size).items()]
    with subprocess.Popen(
        [sys.executable, str(program), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        base_url, token = server.stdout.readline().strip(), server.stdout.readline().strip()
        if not token:
            raise SystemExit("the sandbox did not start; what it printed is above")
        try:
            yield base_url, token
        finally:
            server.stdin.close()


def _report(measured: Measurement) -> str:
    lines = [f"{measured.name:<28}{'CPU s':>10}{'peak MB':>10}"]
    lines += [f"  {phase.name:<26}{phase.cpu:>10.2f}{phase.peak / 1e6:>10.0f}" for phase in measured.phases]
    lines.append(f"  {'all':<26}{measured.cpu:>10.2f}{measured.peak / 1e6:>10.0f}   in {measured.wall:.2f} s")
    lines += [f"  {name:<26}{count:>10,}" for name, count in measured.counts.items()]
    return "\n".join(lines)


def _ratios(ours: Measurement, other: Measurement) -> str:
    by_name = {phase.name: phase for phase in other.phases}
    lines = [f"{other.name} / {ours.name}"]
    lines += [
        f"  {phase.name:<26}{by_name[phase.name].cpu / phase.cpu:>9.1f}x"
        for phase in ours.phases
        if phase.name in by_name and phase.cpu >= 0.05
    ]
    lines.append(f"  {'all':<26}{other.cpu / ours.cpu:>9.1f}x CPU, {other.peak / ours.peak:.1f}x memory")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_size_options(parser)
    parser.add_argument("--baseline", action="store_true", help="also measure the ready-made parts, and print ratios")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    size = size_from(arguments, parser)
    ways: list[Way] = [reconciler_way, *([ready_made_way] if arguments.baseline else [])]
    with TemporaryDirectory() as folder, _directory(size) as (base_url, token):
        written = write_workspace(size, Path(folder))
        measured = [_measure(way, Path(folder), base_url, token) for way in ways]
    if arguments.json:
        print(
            json.dumps({"size": asdict(size), "yaml_bytes": written, "measured": [asdict(each) for each in measured]})
        )
        return
    print(f"{size.users:,} users, {size.groups:,} groups, {size.members:,} memberships, {written:,} bytes of YAML")
    print(
        f"{size.changes:g} % of the live users and groups differ; "
        f"Python {sys.version.split()[0]}, {os.cpu_count()} cores\n"
    )
    print("\n\n".join(_report(each) for each in measured))
    if len(measured) == 2:
        print(f"\n{_ratios(*measured)}")


if __name__ == "__main__":
    main()

"""How many requests a plan of a five-line change sends, beside a plan of everything, at several sizes.

    python benchmarks/since_requests.py --sizes 1000,10000,100000

A directory holds so many people in groups of ten, and equals the files. The change: somebody comes and joins a group,
somebody gets another title, somebody leaves with the memberships. Another process serves the directory.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import reconciler
from generate import USERS_PER_FILE, Size, members, user, write_workspace
from reconciler.live import Wanted

_AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
_NEW = "newcomer@example.com"


@dataclass(frozen=True, slots=True)
class Row:
    """What both plans cost at one size: requests, bytes of answers, and seconds from the files to the plan."""

    size: Size
    whole: Cost
    since: Cost

    def __str__(self) -> str:
        ratio = self.whole.requests / self.since.requests
        return f"{self.size.users:>9,} {self.size.groups:>8,} {self.whole} {self.since} {ratio:>8,.0f}x"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one plan costs."""

    requests: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.requests:>9,} {self.bytes / 1e6:>9.2f} {self.seconds:>7.1f}"


@contextmanager
def serving(size: Size) -> Iterator[Mapping[str, str]]:
    """Serve a directory of a size, and give the environment by which a workspace finds it."""
    options = (f"--users={size.users}", f"--groups={size.groups}", f"--members={size.members}")
    command = [sys.executable, str(Path(__file__).with_name("generate.py")), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base_url, token = server.stdout.readline().strip(), server.stdout.readline().strip()
        try:
            yield {"SCIM_BASE_URL": base_url, "SCIM_TOKEN": token}
        finally:
            assert server.stdin is not None
            server.stdin.close()


def git(workspace: Path, *arguments: str) -> None:
    """Call Git in a workspace, as nobody in particular."""
    who = ("-c", "user.name=Ada Example", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    program = shutil.which("git") or "git"
    subprocess.run([program, "-C", str(workspace), *who, *arguments], check=True, capture_output=True)


def leaver(size: Size) -> str:
    """Return somebody of the first file who is in exactly one group, and works: the same change at every size."""
    groups = Counter(one % size.users for group in range(size.groups) for one in members(size, group))
    number = next(one for one in range(1, USERS_PER_FILE - 1) if groups[one] == 1 and user(one)["active"])
    name: str = user(number)["userName"]
    return name


def change(workspace: Path, size: Size) -> None:
    """Change a few lines of the files."""
    gone = leaver(size)
    people = workspace / "users" / "00000.yaml"
    text = people.read_text(encoding="utf-8").replace("    title: Engineer\n", "    title: Captain\n", 1)
    _, entry, rest = text.partition(f"  - userName: {gone}\n")
    text = text.removesuffix(entry + rest) + rest[rest.index("  - userName:") :]
    people.write_text(f"{text}  - userName: {_NEW}\n", encoding="utf-8")
    for number, groups in enumerate(sorted((workspace / "groups").iterdir())):
        stated = groups.read_text(encoding="utf-8").replace(f"      - {gone}\n", "")
        joined = stated.replace("    members:\n", f"    members:\n      - {_NEW}\n", 1) if number == 0 else stated
        groups.write_text(joined, encoding="utf-8")


def measure(size: Size) -> Row:
    """Return what both plans cost at one size, after proving that they are the same."""
    with TemporaryDirectory() as folder, serving(size) as environ:
        workspace = Path(folder)
        write_workspace(size, workspace)
        for arguments in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "As the directory is")):
            git(workspace, *arguments)
        change(workspace, size)

        start = time.perf_counter()
        desired = reconciler.load(workspace).desired
        live = reconciler.read_live(desired.config, workspace, wanted=Wanted.of(desired), environ=environ)
        whole = reconciler.plan(desired, live, as_of=_AS_OF)
        of_whole = Cost(live.statistics.requests, live.statistics.bytes, time.perf_counter() - start)
        del live

        start = time.perf_counter()
        desired = reconciler.load(workspace).desired
        earlier = reconciler.load_at(workspace, "HEAD")
        found = reconciler.read_since(earlier, desired, workspace, as_of=_AS_OF, environ=environ)
        since = reconciler.plan(desired, found.live, as_of=_AS_OF, since=found.touched)
        cost = found.live.statistics
        of_since = Cost(cost.requests, cost.bytes, time.perf_counter() - start)
    assert since.steps == whole.steps, "the plan of the change is not the plan of everything"
    return Row(size, of_whole, of_since)


def main() -> None:
    """Measure, and print a row for each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of people (default: %(default)s)")
    sizes = [int(text) for text in parser.parse_args().sizes.split(",")]
    print(f"{'':>18} {'--- whole plan ---':>27} {'---- --since ----':>27}")
    print(f"{'users':>9} {'groups':>8} " + f"{'requests':>9} {'MB':>9} {'s':>7} " * 2 + f"{'fewer':>9}")
    for users in sizes:
        print(measure(Size(users=users, groups=max(users // 10, 1), members=users)), flush=True)


if __name__ == "__main__":
    main()

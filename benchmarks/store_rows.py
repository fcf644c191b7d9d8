"""What the ledger of a run costs: rows, transactions and seconds, by how many steps are under way at once.

    python benchmarks/store_rows.py --steps 10000 --postgresql postgresql://localhost/scratch

A run of so many steps is recorded as an apply records it: begun, an intent before each step and its outcome after, and
ended. No request is sent; ``--request`` is how many milliseconds each step waits in its place. Every way gets a new
store. SQLite is measured with both settings of ``synchronous``: FULL syncs the disk at every commit and is what the
store uses, NORMAL does not and may lose the last commits in a power cut. Without ``--postgresql`` the server that the
tests bring along is used where it is installed.

Rows and transactions are exact, seconds depend on the disk and on who else uses the machine: read ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event, func, select

from reconciler.applying.outcome import Outcome, RunResult, Status
from reconciler.model import Kind
from reconciler.planning import Action, Change, Plan, Reason, Step
from reconciler.planning.document import seal
from reconciler.planning.plan import FORMAT, DesiredIdentity, DirectoryIdentity, LiveCounts
from reconciler.store import Actor, new_run_id
from reconciler.store.database import Database
from reconciler.store.journal import Run, begin
from reconciler.store.location import Location
from reconciler.store.lock import Lock
from reconciler.store.runs import steps_of
from reconciler.store.tables import audit, steps

_URL = "https://scim.example.com"
_ACTOR = Actor(user="benchmark")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run cost.

    Attributes:
        way: which store.
        lanes: steps under way at once.
        begin: seconds until the plan and one row for each step were recorded.
        steps: seconds for all intents and outcomes.
        complete: seconds for the end.
        read: seconds to read the ledger back.
        transactions: for the intents and outcomes.
        rows: of ledger and audit.
    """

    way: str
    lanes: int
    begin: float
    steps: float
    complete: float
    read: float
    transactions: int
    rows: int


def _plan(number: int) -> Plan:
    users = (f"user{one}@example.com" for one in range(number))
    change = Change(path="title", before="Engineer", after="Principal Engineer")
    return seal(
        Plan(
            format=FORMAT,
            tool="benchmark",
            directory=DirectoryIdentity(name="benchmark", base_url=_URL, dialect="generic"),
            desired=DesiredIdentity(digest="sha256:0", files=1),
            live=LiveCounts(users=number, groups=0, memberships=0),
            as_of="2026-01-01T00:00:00Z",
            capabilities={},
            steps=tuple(
                Step(
                    id=f"update user:{user}",
                    action=Action.UPDATE,
                    kind=Kind.USER,
                    name=user,
                    reason=Reason.DIFFERS,
                    resource_id=f"id of {user}",
                    changes=(change,),
                )
                for user in users
            ),
        )
    )


async def _carry_out(run: Run, all_steps: Sequence[Step], lanes: int, request: float) -> tuple[Outcome, ...]:
    left = iter(all_steps)
    outcomes: dict[str, Outcome] = {}

    async def lane() -> None:
        for step in left:
            await run.intend([step])
            if request:
                await asyncio.sleep(request)
            outcomes[step.id] = Outcome(
                step=step, status=Status.APPLIED, requests=1, http_status=200, resource_id=step.resource_id
            )
            await run.settle([outcomes[step.id]])

    await asyncio.gather(*(lane() for _ in range(lanes)))
    return tuple(outcomes[step.id] for step in all_steps)


def _measure(way: str, database: Database, plan: Plan, lanes: int, request: float) -> Measured:
    transactions = 0

    def count(_: Any) -> None:
        nonlocal transactions
        transactions += 1

    async def go(run: Run) -> tuple[float, float, int]:
        before, started = transactions, time.perf_counter()
        outcomes = await _carry_out(run, plan.steps, lanes, request)
        carried_out, taken = time.perf_counter(), transactions - before
        await run.complete(RunResult(run_id=run.run_id, outcomes=outcomes))
        return carried_out - started, time.perf_counter() - carried_out, taken

    event.listen(database.engine, "commit", count)
    lock = Lock(database.engine, _URL, "benchmark", run_id=new_run_id(), actor=_ACTOR, lease=timedelta(minutes=10))
    with lock:
        started = time.perf_counter()
        with begin(database, plan, lock=lock, command="apply", actor=_ACTOR) as run:
            begun = time.perf_counter() - started
            all_steps, complete, taken = asyncio.run(go(run))
    started = time.perf_counter()
    with database.reading() as connection:
        list(steps_of(connection, run.run_id))
        read = time.perf_counter() - started
        rows = sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (steps, audit))
    return Measured(way, lanes, begun, all_steps, complete, read, taken, rows)


@contextmanager
def _sqlite(synchronous: str) -> Iterator[Database]:
    with TemporaryDirectory() as folder:
        database = Database.open(Location(path=Path(folder) / "store.db"))
        database.close()  # so that all connections from now on are set up as follows
        event.listen(
            database.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA synchronous={synchronous}")
        )
        yield database
        database.close()


@contextmanager
def _postgresql(place: Callable[[], str]) -> Iterator[Database]:
    database = Database.open(Location(url=place()))
    yield database
    database.close()


def _server(url: str | None, stack: ExitStack) -> Callable[[], str] | None:
    """Return what gives URLs of PostgreSQL, where there is one."""
    if url is not None:
        return lambda: url
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
    try:
        from postgres import PostgreSQL

        return stack.enter_context(PostgreSQL(durable=True)).new_place
    except ImportError:
        return None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5000, help="of the plan (default: %(default)s)")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 8, 32], help="steps under way at once")
    parser.add_argument("--request", type=float, default=0.0, metavar="MS", help="milliseconds that each step waits")
    parser.add_argument("--postgresql", metavar="URL", help="an empty database; it keeps what is measured")
    arguments = parser.parse_args()
    plan = _plan(arguments.steps)
    with ExitStack() as stack:
        ways: dict[str, Callable[[], Any]] = {
            "SQLite FULL": lambda: _sqlite("FULL"),
            "SQLite NORMAL": lambda: _sqlite("NORMAL"),
        }
        place = _server(arguments.postgresql, stack)
        if place is not None:
            ways["PostgreSQL"] = lambda: _postgresql(place)
        print(f"{arguments.steps:,} steps, {arguments.request:g} ms each; Python {sys.version.split()[0]}\n")
        print(
            f"{'':<15}{'lanes':>6}{'begin':>8}{'steps':>8}{'end':>7}{'read':>7}{'ms/step':>9}{'commits':>9}{'rows':>10}"
        )
        for lanes in arguments.lanes:
            for way, opened in ways.items():
                with opened() as database:
                    found = _measure(way, database, plan, lanes, arguments.request / 1000)
                print(
                    f"{way:<15}{lanes:>6}{found.begin:>7.2f}s{found.steps:>7.2f}s{found.complete:>6.2f}s"
                    f"{found.read:>6.2f}s{found.steps / arguments.steps * 1000:>9.3f}{found.transactions:>9,}"
                    f"{found.rows:>10,}"
                )


if __name__ == "__main__":
    main()

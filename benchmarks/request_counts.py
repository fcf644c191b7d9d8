"""How many requests a plan and an apply send, beside how many would do, per dialect and at a few sizes.

    python benchmarks/request_counts.py --sizes 100x10,1000x50 --only atlassian

A sandbox in each dialect holds so many users and groups, of which a tenth differ from the files: users by their title,
groups by one member. It counts. What would do:

- plan: discovery (3), a request per page of users and of groups, and what the way of reading members takes: nothing
  where listings hold them. Without a listing it is one per user, and two per group. The tool asks once more behind a
  single page that is as long as a limit might be (25, 100, 250), and once whether a filter for members is honoured.
- apply: discovery (3), a write per changed user and per batch of members, or one per bundle where there is bulk, and a
  look at each changed user and group afterwards. The tool takes another look before it writes, because a step whose
  precondition does not hold any more must not be carried out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import reconciler
from generate import DIRECTORY, Size, members, seed, write_workspace
from reconciler.capabilities import Capabilities, MembersRead, Paging
from reconciler.live import Wanted
from reconciler.planning import Plan
from reconciler.sandbox.behaviour import behaviour, dialects
from reconciler.sandbox.server import Sandbox

_DISCOVERY = 2  # /ServiceProviderConfig and /Schemas
_PERCENT_CHANGED = 10.0
_AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Count:
    """Requests that were sent, and those that would do."""

    actual: int
    minimum: int

    def __str__(self) -> str:
        return f"{self.actual:>7,} /{self.minimum:>6,} ={self.actual / self.minimum:>5.2f}"


@dataclass(frozen=True, slots=True)
class Counts:
    """What one dialect costs at one size: a plan without changes, and an apply, in all and its writes alone."""

    plan: Count
    apply: Count
    writes: Count


def least_to_plan(size: Size, able: Capabilities) -> int:
    """Return how many requests it takes to know all that a plan needs."""
    group_sizes = [len(members(size, number)) for number in range(size.groups)]
    if able.paging is Paging.FILTER_ONLY:
        return _DISCOVERY + size.users + 2 * size.groups
    pages = max(1, ceil(size.users / able.page_size)) + (
        max(1, ceil(size.groups / able.group_page_size)) if able.groups else 0
    )
    by_way = {
        MembersRead.GROUP: size.groups,
        MembersRead.PROBE: size.groups * size.users,
        MembersRead.USERS_BY_GROUP: sum(max(1, ceil(count / able.page_size)) for count in group_sizes),
    }
    return _DISCOVERY + pages + by_way.get(able.members_read, 0)


def least_to_write(planned: Plan, able: Capabilities) -> int:
    """Return how many writes a plan takes: each step is one, by the size of its batches."""
    return ceil(len(planned.steps) / able.bulk_operations) if able.bulk_operations else len(planned.steps)


def least_to_look(planned: Plan, able: Capabilities) -> int:
    """Return how many reads it takes to see that what was written is there."""
    alone = able.members_read is MembersRead.PROBE
    touched = {step.address for step in planned.steps if not (alone and step.members)}
    return len(touched) + (sum(len(step.members) for step in planned.steps) if alone else 0)


def measure(dialect: str, size: Size) -> Counts:
    """Return what a plan without changes, and an apply of a tenth, cost in a dialect."""
    # A seed names members by userName, which this rule hides of the inactive.
    rules = replace(behaviour(dialect), deactivation_rewrites=())
    if not rules.groups:
        size = replace(size, groups=0, members=0)
    with TemporaryDirectory() as folder, Sandbox(rules, seed=seed(size), record=True) as sandbox:
        workspace = Path(folder)
        write_workspace(size, workspace)
        # The paces that service providers ask for change when requests are sent, and not how many.
        stated = f"directory:\n  dialect: {dialect}\n  capabilities: {{rates: []}}\n"
        (workspace / "directory.yaml").write_text(DIRECTORY.replace("directory:\n", stated, 1), encoding="utf-8")
        environ = {"SCIM_BASE_URL": sandbox.base_url, "SCIM_TOKEN": sandbox.token}
        desired = reconciler.load(workspace).desired

        def plan() -> Plan:
            live = reconciler.read_live(desired.config, workspace, wanted=Wanted.of(desired), environ=environ)
            capabilities.append(live.capabilities)
            return reconciler.plan(desired, live, as_of=_AS_OF)

        capabilities: list[Capabilities] = []
        planned = plan()
        start = len(sandbox.requests)
        result = reconciler.apply(planned, desired.config, workspace, environ=environ, now=_AS_OF)
        assert result.complete, [outcome.message for outcome in result.outcomes if outcome.message][:3]
        applied = sandbox.requests[start:]
        assert plan().steps == ()
        able, again = capabilities[-1], len(sandbox.requests) - start - len(applied)
    writes = least_to_write(planned, able)
    return Counts(
        plan=Count(again, least_to_plan(size, able)),
        apply=Count(len(applied), _DISCOVERY + writes + least_to_look(planned, able)),
        writes=Count(sum(request.method != "GET" for request in applied), writes),
    )


def tell(names: Iterable[str], sizes: Iterable[Size]) -> None:
    """Print a line per dialect and size."""
    print(f"{'':<22}{'users x groups':<16}{'plan':<23}{'apply':<23}{'its writes alone':<23}")
    for dialect in names:
        for size in sizes:
            counts = measure(dialect, size)
            of_size = f"{size.users:,} x {size.groups:,}"
            print(f"{dialect:<22}{of_size:<16}{counts.plan}  {counts.apply}  {counts.writes}", flush=True)


def main() -> None:
    """Read the command line, run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="25x4,250x25", help="users x groups, of 10 members each (25x4,250x25)")
    parser.add_argument("--only", default="", help="only dialects with this text in their name")
    arguments = parser.parse_args()
    sizes = []
    for text in arguments.sizes.split(","):
        users, _, groups = text.partition("x")
        sizes.append(Size(int(users), int(groups), int(groups) * min(10, int(users)), changes=_PERCENT_CHANGED))
    tell([name for name in dialects() if arguments.only in name], sizes)


if __name__ == "__main__":
    main()

"""``kill -9`` at any moment of an apply: going on with it, or planning again, converges, and nothing exists twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
import yaml

import reconciler
from reconciler import api
from reconciler.applying import RunResult
from reconciler.sandbox.server import Sandbox
from reconciler.store import RunRecord, RunStatus, Store
from reconciler.store.records import TRYING
from scenario import Scenario, Start

pytestmark = pytest.mark.slow

USERS, GROUPS = 60, 12
CHUNK_SIZE = 10


def files() -> str:
    users = [
        {
            "userName": f"user{number:02}@example.com",
            "externalId": f"hr-{number}",
            "emails": [f"user{number:02}@example.com"],
            "title": "Engineer",
        }
        for number in range(USERS)
    ]
    groups = [
        {
            "displayName": f"team-{number:02}",
            "members": [user["userName"] for user in users[number::GROUPS]],
            "lifecycle": {"previously": [f"old-{number:02}"]},
        }
        for number in range(GROUPS)
    ]
    return yaml.safe_dump({"users": users, "groups": groups})


def seed() -> dict[str, object]:
    names = [f"user{number:02}@example.com" for number in range(0, USERS, 3)] + ["leaver@example.com"]
    return {
        "users": [
            {
                "userName": name,
                "title": "Intern",
                "emails": [{"value": name, "primary": True}],
                "active": index % 2 == 0,
            }
            for index, name in enumerate(names)
        ],
        "groups": [{"displayName": f"old-{number:02}", "members": names[number:]} for number in range(GROUPS)],
    }


LEASE = 1.0
"""Seconds after which the lock of a killed run is free."""
CONCURRENCY = 4


def environ(scenario: Scenario) -> dict[str, str]:
    return {**os.environ, "SCIM_BASE_URL": scenario.base_url, "SCIM_TOKEN": scenario.token}


def shorten_lease(scenario: Scenario) -> None:
    file = scenario.workspace / "directory.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("apply: {", f"apply: {{lock_lease: {LEASE:.0f}s, concurrency: {CONCURRENCY}, "), encoding="utf-8"
    )


def apply_and_kill(scenario: Scenario, sandbox: Sandbox, after_requests: int) -> None:
    """Start the real command, kill it as soon as the server has seen so many requests, and wait for its lock."""
    threshold = sandbox.request_count + after_requests
    command = [sys.executable, "-m", "reconciler", "apply", "--auto-approve", "-C", str(scenario.workspace)]
    with subprocess.Popen(
        command, env=environ(scenario), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while sandbox.request_count < threshold and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    time.sleep(LEASE)


def last_run(scenario: Scenario) -> RunRecord | None:
    """Return the last run in the store, and make sure that its ledger can be read and leaves little open."""
    # A bulk request takes a whole chunk.
    at_once = CHUNK_SIZE if scenario.dialect == "generic" else CONCURRENCY
    store = Store.open_existing(api.load_config(scenario.workspace), scenario.workspace, environ(scenario))
    if store is None:
        return None
    with store:
        runs = store.runs()
        for run in runs:
            ledger, planned = store.steps_of(run.id), store.plan_of(run.id)
            assert [line.step for line in ledger] == [step.id for step in planned.steps]
            in_doubt = (step for step, line in zip(planned.steps, ledger, strict=True) if line.state == TRYING)
            assert len({step.resource_id or step.address for step in in_doubt}) <= at_once
        return runs[0] if runs else None


def go_on(scenario: Scenario, run: RunRecord) -> RunResult | None:
    if run.status is RunStatus.COMPLETE:
        return None
    return reconciler.resume(run.id, api.load_config(scenario.workspace), scenario.workspace, environ=environ(scenario))


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
@pytest.mark.parametrize("round_", range(4))
def test_a_killed_apply_leaves_nothing_that_the_next_does_not_mend(start: Start, dialect: str, round_: int) -> None:
    scenario, sandbox = start(dialect, seed=seed(), chunk_size=CHUNK_SIZE, unlisted=("deactivate", "delete"))
    scenario.write(files())
    shorten_lease(scenario)
    rolls = random.Random(f"{dialect}{round_}")  # noqa: S311
    for _ in range(3):
        apply_and_kill(scenario, sandbox, after_requests=rolls.randrange(1, 160))
    last = last_run(scenario)
    resumed = go_on(scenario, last) if last is not None and round_ % 2 else None
    assert resumed is None or resumed.complete, [outcome for outcome in resumed.outcomes if outcome.message]
    if resumed is None:
        scenario.converge()
    live = scenario.live()
    assert scenario.plan().steps == ()
    assert max(Counter(user.name.casefold() for user in live.users).values()) == 1
    assert max(Counter(group.name.casefold() for group in live.groups).values()) == 1
    assert sum(user.active for user in live.users) == USERS

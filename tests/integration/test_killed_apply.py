"""``kill -9`` at any moment of an apply: planning and applying again converges, and nothing exists twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from reconciler.applying.ledger import RUNS, read_ledger
from reconciler.sandbox.server import Sandbox
from scenario import Scenario, Start

pytestmark = pytest.mark.slow

USERS, GROUPS = 60, 12


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


def apply_and_kill(scenario: Scenario, sandbox: Sandbox, after_requests: int) -> None:
    """Start the real command, and kill it as soon as the server has seen so many requests."""
    threshold = sandbox.request_count + after_requests
    environment = {**os.environ, "SCIM_BASE_URL": scenario.base_url, "SCIM_TOKEN": scenario.token}
    command = [sys.executable, "-m", "reconciler", "apply", "--auto-approve", "-C", str(scenario.workspace)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while sandbox.request_count < threshold and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)


def assert_readable(workspace: Path) -> None:
    for ledger in (workspace / RUNS).glob("*/ledger.jsonl"):
        lines = read_ledger(ledger.parent)
        finished = [line["step"] for line in lines if line["type"] == "step_finished"]
        announced = {step for line in lines if line["type"] == "chunk_started" for step in line["steps"]}
        assert len(finished) == len(set(finished))
        assert set(finished) <= announced


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
@pytest.mark.parametrize("round_", range(4))
def test_a_killed_apply_leaves_nothing_that_the_next_does_not_mend(start: Start, dialect: str, round_: int) -> None:
    scenario, sandbox = start(dialect, seed=seed(), chunk_size=10, unlisted=("deactivate", "delete"))
    scenario.write(files())
    rolls = random.Random(f"{dialect}{round_}")  # noqa: S311
    for _ in range(3):
        apply_and_kill(scenario, sandbox, after_requests=rolls.randrange(1, 160))
        assert_readable(scenario.workspace)
    scenario.converge()
    live = scenario.live()
    assert max(Counter(user.name.casefold() for user in live.users).values()) == 1
    assert max(Counter(group.name.casefold() for group in live.groups).values()) == 1
    assert sum(user.active for user in live.users) == USERS

"""Bulk requests on a directory that others wrote, and a run that is killed while one of them is carried out."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from command_line import environment
from fork_server import forks
from loopback import Reply, Request, serving
from memory_journal import MemoryJournal
from reconciler.applying import RunResult, apply_plan
from reconciler.sandbox.server import Sandbox
from sandboxes import client_of, leaving
from scenario import Scenario
from third_party import scim2_server

pytestmark = pytest.mark.slow

USERS, GROUPS = 24, 3
CANARY = 10


def files(**attributes: str) -> str:
    users = [
        {"userName": f"user{number:02}@example.com", "externalId": f"hr-{number}", **attributes}
        for number in range(USERS)
    ]
    groups = [
        {"displayName": f"team-{number}", "members": [user["userName"] for user in users[number::GROUPS]]}
        for number in range(GROUPS)
    ]
    return yaml.safe_dump({"users": users, "groups": groups})


def apply_and_count(scenario: Scenario) -> tuple[RunResult, Mapping[str, int]]:
    """Plan and apply; return what became of it and the requests of the apply by method."""
    planned, live = scenario.plan(), scenario.live()

    async def run() -> tuple[RunResult, Mapping[str, int]]:
        async with scenario.client() as client:
            schemas, capabilities, journal = live.schemas, live.capabilities, MemoryJournal()
            done = await apply_plan(planned, client, schemas=schemas, capabilities=capabilities, journal=journal)
            return done, client.statistics.by_method

    return asyncio.run(run())


@pytest.mark.parametrize(("mode", "bulk"), [("all-features", True), ("no-bulk", False)])
def test_a_directory_of_others_converges_with_bulks_and_without(tmp_path: Path, mode: str, bulk: bool) -> None:
    with scim2_server(mode) as (base_url, token):
        scenario = Scenario(tmp_path, base_url, token, bulk=True)
        result, requests = apply_and_count(scenario.write(files()))
        assert result.complete, [outcome for outcome in result.outcomes if outcome.message]
        # One for the canary, and one for everything else that is created.
        assert requests["POST"] == (2 if bulk else USERS + GROUPS)

        result, requests = apply_and_count(scenario.write(files(title="Engineer")))
        assert result.complete, [outcome for outcome in result.outcomes if outcome.message]
        assert requests.get("POST", 0) == (2 if bulk else 0)
        assert requests.get("PATCH", 0) == (0 if bulk else USERS)
        assert scenario.plan().steps == ()

        # Everybody leaves: out of the groups, and then one chunk of deactivations.
        scenario.write("users: []")
        scenario.converge()


def test_new_members_of_groups_of_before_are_named_by_reference(tmp_path: Path) -> None:
    with scim2_server("all-features") as (base_url, token):
        scenario = Scenario(tmp_path, base_url, token, bulk=True)
        scenario.write("groups: [{displayName: team, members: []}]").converge()
        listed = "".join(f"  - {{userName: {name}@example.com}}\n" for name in ("ada", "grace", "linus"))
        members = "ada@example.com, grace@example.com, linus@example.com"
        scenario.write(f"users:\n{listed}groups: [{{displayName: team, members: [{members}]}}]")
        result, requests = apply_and_count(scenario)
        assert result.complete, [outcome for outcome in result.outcomes if outcome.message]
        # Each user is read back, the group is read before and after.
        assert requests == {"GET": 3 + 2, "POST": 1}
        assert scenario.plan().steps == ()


@pytest.mark.parametrize("done", [4, CANARY])
def test_a_run_that_is_killed_in_the_middle_of_a_bulk_leaves_nothing_that_the_next_does_not_mend(
    tmp_path: Path, done: int
) -> None:
    killed: list[int] = []
    started, dead = threading.Event(), threading.Event()

    with leaving(Sandbox("generic")) as sandbox, client_of(sandbox) as http:
        origin = sandbox.base_url.partition("/scim")[0]

        def respond(request: Request) -> Reply:
            body = request.body
            if request.path.endswith("/Bulk") and not killed:
                document = json.loads(body)
                killed.append(len(document["Operations"]))
                assert started.wait(60)
                body = json.dumps({**document, "Operations": document["Operations"][:done]}).encode()
                process.signal(signal.SIGKILL)
                assert dead.wait(60)
            headers = {
                name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers
            }
            answer = http.request(request.method, origin + request.target, content=body, headers=headers)
            return Reply(answer.status_code, answer.content, {"Content-Type": answer.headers["content-type"]})

        with serving(respond) as between:
            scenario = Scenario(tmp_path, between.url + sandbox.base_url.removeprefix(origin), sandbox.token, bulk=True)
            scenario.write(files())
            variables = environment(SCIM_BASE_URL=scenario.base_url, SCIM_TOKEN=scenario.token)
            process = forks().start(["apply", "--auto-approve", "-C", str(tmp_path)], variables, tmp_path / "said.txt")
            started.set()
            assert process.wait() == -signal.SIGKILL
            dead.set()
            assert killed == [CANARY]

            scenario.converge()
            live = scenario.live()
            names = Counter(found.name for found in (*live.users, *live.groups))
            assert len(names) == USERS + GROUPS
            assert max(names.values()) == 1

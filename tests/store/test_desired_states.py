"""What the files stated when they were last applied comes back as planning needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from sqlalchemy import Connection, Engine, create_engine, event, select, update

from desired_and_live import AS_OF, FUTURE, desired, group, member, nested, policy, user
from random_states import States, states
from reconciler.config import Unlisted
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import Desired, DesiredResource
from reconciler.planning import plan
from reconciler.store import desired_states
from reconciler.store.errors import StoreError
from reconciler.store.tables import desired_states as table
from reconciler.store.tables import metadata

DIRECTORY = "https://scim.example.com"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    created = create_engine(f"sqlite:///{tmp_path / 'store.db'}")
    metadata.create_all(created)
    yield created
    created.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as opened:
        yield opened


def listed() -> Desired:
    return desired(
        user("ada@example.com", externalId="1", title=None, emails=[], big=2**70),
        user("grace@example.com", until=FUTURE, previously=("grace.old@example.com",), reason="OPS-1", protected=True),
        user("linus@example.com", id="u-7", active=False),
        group("team-a", ["ada@example.com", member("grace@example.com", until=FUTURE, reason="OPS-2")], min_members=1),
        group("team-b", [nested("team-a")]),
        group("team-c", [], match='title eq "x"'),
        group("team-d"),
    )


def facts(one: DesiredResource) -> tuple[Any, ...]:
    """All of a listed resource but where it was written."""
    return (one.address, one.attributes, one.id, one.lifecycle, getattr(one, "members", 0), getattr(one, "match", 0))


def everything(state: Desired) -> list[tuple[Any, ...]]:
    return [facts(one) for one in (*state.users, *state.groups)]


def test_nothing_is_known_before_the_first_run(connection: Connection) -> None:
    assert desired_states.load(connection, DIRECTORY, listed().config) is None


def test_everything_that_planning_reads_comes_back(connection: Connection) -> None:
    state = listed()
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, state)
    found = desired_states.load(connection, DIRECTORY, state.config)
    assert found is not None
    loaded = found.desired
    assert (found.run_id, found.as_of, found.drifted) == ("run-1", AS_OF, frozenset())
    assert everything(loaded) == everything(state)
    assert (loaded.digest, loaded.commit, loaded.files) == (state.digest, state.commit, state.files)


def test_unset_and_unmanaged_stay_apart(connection: Connection) -> None:
    state = desired(user("ada@example.com", title=None), user("grace@example.com"))
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, state)
    found = desired_states.load(connection, DIRECTORY, state.config)
    assert found is not None
    assert ["title" in one.attributes for one in found[2].users] == [True, False]


def test_a_place_names_the_run_that_applied_it(connection: Connection) -> None:
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, listed())
    found = desired_states.load(connection, DIRECTORY, listed().config)
    assert found is not None
    assert str(found[2].users[0].source.locate("title")) == "(as applied by run run-1)"


def test_the_rules_of_that_time_hold_for_the_state_of_that_time(connection: Connection) -> None:
    then = policy(
        Unlisted.DEACTIVATE,
        unlisted_users_after=timedelta(days=7),
        delete_after_deactivated=timedelta(days=30),
        scope_users='userName ew "@example.com"',
    )
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, desired(user("ada@example.com"), rules=then))
    now = replace(then, unlisted_users=Unlisted.IGNORE, scope_users=None, chunk_size=7)
    found = desired_states.load(connection, DIRECTORY, desired(rules=now).config)
    assert found is not None
    assert found[2].config.policy == replace(then, chunk_size=7)


def test_an_unchanged_state_is_not_written_again_and_its_run_is(engine: Engine) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with engine.begin() as connection:
        desired_states.save(connection, DIRECTORY, "run-1", AS_OF, listed())
        statements.clear()
        desired_states.save(connection, DIRECTORY, "run-2", FUTURE, listed())
        assert not any("data" in statement for statement in statements)
        found = desired_states.load(connection, DIRECTORY, listed().config)
    assert found is not None
    assert found[:2] == ("run-2", FUTURE)


def test_what_was_left_as_the_directory_changed_it_is_remembered_with_the_state(connection: Connection) -> None:
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, listed(), drifted={"update user:ada@example.com"})
    found = desired_states.load(connection, DIRECTORY, listed().config)
    assert found is not None
    assert found.drifted == {"update user:ada@example.com"}
    desired_states.save(connection, DIRECTORY, "run-2", AS_OF, listed())
    found = desired_states.load(connection, DIRECTORY, listed().config)
    assert found is not None
    assert found.drifted == frozenset()


def test_a_changed_state_takes_the_place_of_the_one_before(connection: Connection) -> None:
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, listed())
    desired_states.save(connection, DIRECTORY, "run-2", AS_OF, desired(user("ada@example.com")))
    found = desired_states.load(connection, DIRECTORY, listed().config)
    assert found is not None
    assert [one.name for one in found[2].users] == ["ada@example.com"]
    assert found[2].groups == ()


def test_directories_do_not_share_a_state(connection: Connection) -> None:
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, listed())
    assert desired_states.load(connection, "https://other.example.com", listed().config) is None


@pytest.mark.parametrize("data", [b"", b"not compressed", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_damaged_state_is_an_error_that_says_what_now(connection: Connection, data: bytes) -> None:
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, listed())
    connection.execute(update(table).values(data=data))
    with pytest.raises(StoreError, match=r"run-1 .* cannot be read .* next apply writes it anew"):
        desired_states.load(connection, DIRECTORY, listed().config)


def test_equal_entries_of_many_groups_are_kept_once(connection: Connection) -> None:
    members = [f"u{number}@example.com" for number in range(100)]
    state = desired(*(group(f"team-{number}", members) for number in range(100)))
    desired_states.save(connection, DIRECTORY, "run-1", AS_OF, state)
    assert len(connection.execute(select(table.c.data)).scalar_one()) < 10_000


@given(states())
@settings(max_examples=25, deadline=None)
def test_the_loaded_state_gives_the_same_plan(given_states: States) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    state = given_states.desired
    with engine.begin() as connection:
        desired_states.save(connection, DIRECTORY, "run-1", AS_OF, state)
        found = desired_states.load(connection, DIRECTORY, state.config)
    engine.dispose()
    assert found is not None
    assert steps(found[2], given_states) == steps(state, given_states)


def steps(state: Desired, given_states: States) -> Any:
    try:
        made = plan(state, given_states.live, as_of=AS_OF)
    except DiagnosticsError as error:
        return sorted(problem.code for problem in error.diagnostics)
    return [(step.id, step.changes and [(c.path, c.before, c.after) for c in step.changes]) for step in made.steps]

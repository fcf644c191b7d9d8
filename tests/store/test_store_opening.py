"""Making and opening a store: nothing is made unasked, nothing is replaced, and what is wrong is told plainly."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, func, inspect, select, text

from postgres import PostgreSQL
from reconciler.config import DirectoryConfig
from reconciler.model import NO_HISTORY
from reconciler.store import Store, StoreError, StoreTooNewError
from reconciler.store.database import Database
from reconciler.store.location import FILE, Location, locate
from reconciler.store.migrations import Migration
from reconciler.store.tables import runs
from stores import URL, Workspace, carry_out, config, plan_of, update


def test_a_store_that_is_not_there_is_not_made_by_asking(workspace: Workspace) -> None:
    assert workspace.open_existing() is None
    assert list(workspace.folder.iterdir()) == []
    with workspace.open():
        pass
    again = workspace.open_existing()
    assert again is not None
    with again:
        assert again.history(URL) == NO_HISTORY


def test_planning_without_a_store_does_not_load_a_database_library(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from reconciler.api.planning import recall
from stores import config
recall(config(), Path(sys.argv[1]), "https://scim.example.com")
sys.exit("sqlalchemy" in sys.modules)
"""
    assert _python(program, str(tmp_path)).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_what_was_stored_is_there_when_the_store_is_opened_again(workspace: Workspace) -> None:
    with workspace.open() as store:
        run_id = carry_out(store, plan_of(update(1)))
    with workspace.open() as store:
        assert [run.id for run in store.runs()] == [run_id]


def test_who_reads_sees_one_state_of_it_whatever_is_written_meanwhile(store: Store) -> None:
    count = select(func.count()).select_from(runs)
    with store.reading() as connection:
        assert connection.execute(count).scalar_one() == 0
        carry_out(store, plan_of(update(1)))
        assert connection.execute(count).scalar_one() == 0
    assert len(store.runs()) == 1


def test_a_server_that_is_set_up_otherwise_serves_as_well(postgresql: PostgreSQL, tmp_path: Path) -> None:
    odd = "%20-csynchronous_commit%3Doff%20-cdefault_transaction_isolation%3Dserializable"
    with Workspace(tmp_path, postgresql.new_place() + odd).open() as store, store.writing() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "local"
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"


@pytest.mark.parametrize(("stated", "milliseconds"), [("", "30000"), ("&tcp_user_timeout=5000", "5000")])
def test_a_server_that_is_gone_without_a_word_is_not_waited_for_long(
    postgresql: PostgreSQL, tmp_path: Path, stated: str, milliseconds: str
) -> None:
    with Workspace(tmp_path, postgresql.new_place() + stated).open() as store, store.reading() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        assert driver.info.get_parameters()["tcp_user_timeout"] == milliseconds


def test_many_may_make_it_at_once(workspace: Workspace) -> None:
    def open_it(_: int) -> int:
        with workspace.open() as store, store.reading() as connection:
            return int(connection.execute(text("SELECT count(*) FROM schema_version")).scalar_one())

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(open_it, range(8))) == [1] * 8


class TestFile:
    """A SQLite file in the workspace."""

    def test_only_its_owner_can_read_it(self, tmp_path: Path) -> None:
        with Store.open(config(), tmp_path, {}) as store:
            carry_out(store, plan_of(update(1)))
            files = list((tmp_path / FILE).parent.iterdir())
            assert {file.name for file in files} == {"store.db", "store.db-wal", "store.db-shm"}
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
            assert stat.S_IMODE((tmp_path / FILE).parent.stat().st_mode) == 0o700

    @pytest.mark.parametrize("damage", ["garbage", "empty", "torn", "overwritten"])
    def test_a_damaged_file_is_named_and_left_alone(self, tmp_path: Path, damage: str) -> None:
        file = tmp_path / FILE
        with Store.open(config(), tmp_path, {}) as store:
            carry_out(store, plan_of(*(update(number) for number in range(300))))
        whole = file.read_bytes()
        pages = len(whole) // 4096
        content = {
            "garbage": b"garbage" * 1000,
            "empty": b"",
            "torn": whole[: pages // 2 * 4096],
            "overwritten": whole[:4096] + b"\xa5" * (len(whole) - 4096),
        }[damage]
        file.write_bytes(content)
        with pytest.raises(StoreError, match=str(file)):
            _open_and_read(tmp_path)
        assert file.read_bytes() == content

    def test_the_database_of_another_program_is_none(self, tmp_path: Path) -> None:
        file = tmp_path / FILE
        file.parent.mkdir()
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        with pytest.raises(StoreError, match="is a database, and no store of this program"):
            _open_and_read(tmp_path)

    @pytest.mark.parametrize("open_it", [Store.open, Store.open_existing])
    def test_a_folder_in_its_place_is_named(
        self, tmp_path: Path, open_it: Callable[[DirectoryConfig, Path, dict[str, str]], object]
    ) -> None:
        (tmp_path / FILE).mkdir(parents=True)
        with pytest.raises(StoreError, match=str(tmp_path / FILE)):
            open_it(config(), tmp_path, {})

    def test_a_file_where_its_folder_should_be_is_named(self, tmp_path: Path) -> None:
        (tmp_path / ".reconciler").touch()
        assert Store.open_existing(config(), tmp_path, {}) is None
        with pytest.raises(StoreError, match=f"{tmp_path / FILE} cannot be made"):
            Store.open(config(), tmp_path, {})

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        with pytest.raises(StoreError, match=f"{tmp_path / FILE} cannot be made: Permission denied"):
            Store.open(config(), tmp_path, {})

    def test_a_file_that_may_not_grow_ends_the_run_with_a_clear_error(self, tmp_path: Path) -> None:
        """As on a full disk: the system refuses to write."""
        program = """
import resource, sys
from pathlib import Path
from reconciler.store import StoreError
from stores import *
with Workspace(Path(sys.argv[1]), None).open() as store:
    carry_out(store, plan_of(update(1)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        carry_out(store, plan_of(*(update(number) for number in range(20_000))))
    except StoreError as error:
        print(error)
"""
        ended = _python(program, str(tmp_path))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f"the store {tmp_path / FILE} cannot be used: " in ended.stdout
        with Store.open(config(), tmp_path, {}) as store:
            assert len(store.runs()) == 1
            assert store.audit.verify().intact


def _open_and_read(workspace: Path) -> None:
    with Store.open(config(), workspace, {}) as store:
        for run in store.runs():
            store.steps_of(run.id)
            store.plan_of(run.id)
        store.history(URL)


class TestServer:
    """A PostgreSQL database by URL."""

    def test_one_that_cannot_be_reached_is_named_without_its_password(self, tmp_path: Path) -> None:
        url = "postgresql://ada:${PASSWORD}@127.0.0.1:1/store"
        with pytest.raises(StoreError, match=r"the store postgresql://ada:\*\*\*@127\.0\.0\.1:1/store") as caught:
            Store.open(config(url), tmp_path, {"PASSWORD": "hunter2"})
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("url", ["postgresql://ada:${PASSWORD}@[/store", "postgresql://ada:${PASSWORD}@x:port/s"])
    def test_a_url_that_makes_no_sense_is_refused_without_its_password(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(StoreError) as caught:
            Store.open(config(url), tmp_path, {"PASSWORD": "hunter2"})
        assert "hunter2" not in str(caught.value)

    def test_a_missing_driver_names_what_to_install(self, tmp_path: Path) -> None:
        program = """
import sys
from pathlib import Path
sys.modules["psycopg"] = None
from reconciler.store import StoreError
from stores import *
try:
    Workspace(Path(sys.argv[1]), "postgresql://db.example.com/store").open()
except StoreError as error:
    print(error)
"""
        assert "install reconciler with its extra “postgresql”" in _python(program, str(tmp_path)).stdout

    @pytest.mark.parametrize("password", ["p@ss/w:rd?#%", "plain"])
    def test_a_password_may_hold_anything(self, tmp_path: Path, password: str) -> None:
        from sqlalchemy import make_url

        location = locate(config("postgresql://${NAME}:${PASSWORD}@db/store"), tmp_path, _variables(password))
        url = make_url(location.url or "")
        assert (url.username, url.password, url.host, url.database) == ("ada", password, "db", "store")
        assert password not in repr(location)

    def test_a_whole_url_may_come_from_the_environment(self, tmp_path: Path) -> None:
        assert locate(config("${URL}"), tmp_path, {"URL": "postgres://db/x"}).url == "postgres://db/x"

    @pytest.mark.parametrize(
        ("store", "said"),
        [
            ("postgresql://ada:${NOBODY}@db/store", "NOBODY is not set"),
            ("mysql://db/store", "only postgresql://"),
            ("sqlite:///other.db", "only postgresql://"),
        ],
    )
    def test_what_it_cannot_be_is_told(self, tmp_path: Path, store: str, said: str) -> None:
        with pytest.raises(StoreError, match=said):
            Store.open_existing(config(store), tmp_path, {})


def _variables(password: str) -> dict[str, str]:
    return {"NAME": "ada", "PASSWORD": password}


class TestMigration:
    """A store that an older version has made."""

    def test_it_is_brought_up_to_date_with_all_it_holds(self, location: Location) -> None:
        _make_older(location)
        opened = Database.open(location, migrations=(NAMED, COUNTED))
        with opened.reading() as connection:
            assert _version(connection) == 3
            assert connection.execute(text("SELECT id, label, times FROM things")).all() == [(1, "thing 1", 0)]
        opened.close()
        again = Database.open_existing(location, migrations=(NAMED, COUNTED))
        assert again is not None
        again.close()

    def test_it_is_done_once_however_many_open_it(self, location: Location) -> None:
        _make_older(location)

        def open_it(_: int) -> None:
            Database.open(location, migrations=(NAMED, COUNTED)).close()

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(open_it, range(6)))

    def test_one_that_fails_changes_nothing(self, location: Location) -> None:
        _make_older(location)
        with pytest.raises(StoreError, match="nonsense"):
            Database.open(location, migrations=(NAMED, Migration(3, _break)))
        opened = Database.open(location, migrations=())
        with opened.reading() as connection:
            assert _version(connection) == 1
            assert [column["name"] for column in inspect(connection).get_columns("things")] == ["id"]
        opened.close()

    def test_a_store_of_a_newer_version_is_refused(self, workspace: Workspace, location: Location) -> None:
        Database.open(location, migrations=(Migration(7, lambda _: None),)).close()
        with pytest.raises(StoreTooNewError) as caught:
            workspace.open()
        assert (caught.value.found, caught.value.known) == (7, 1)
        with pytest.raises(StoreTooNewError):
            workspace.open_existing()


@pytest.fixture
def location(workspace: Workspace) -> Location:
    return locate(config(workspace.location), workspace.folder, {})


def _name(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE things ADD COLUMN label TEXT"))
    connection.execute(text("UPDATE things SET label = 'thing ' || id"))


def _count(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE things ADD COLUMN times INT DEFAULT 0"))


def _break(connection: Connection) -> None:
    connection.execute(text("SELECT nonsense FROM things"))


NAMED, COUNTED = Migration(2, _name), Migration(3, _count)


def _make_older(location: Location) -> None:
    """Make a store of version 1 with a table that later versions change."""
    database = Database.open(location, migrations=())
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE things (id INT)"))
        connection.execute(text("INSERT INTO things VALUES (1)"))
        connection.execute(text("UPDATE schema_version SET version = 1"))
    database.close()


def _version(connection: Connection) -> int:
    return int(connection.execute(text("SELECT version FROM schema_version")).scalar_one())


def _python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    support = str(Path(__file__).parents[1] / "support")
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": support},
    )

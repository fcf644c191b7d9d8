"""The tables of the store, for SQLite and PostgreSQL alike. Version 1 of the schema.

Times are RFC 3339 text in UTC with microseconds, which sorts as time does on both. JSON is text, because what is hashed
and compared must come back byte by byte.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
)

VERSION: Final = 1

metadata: Final = MetaData()

schema_version: Final = Table("schema_version", metadata, Column("version", Integer, nullable=False))

runs: Final = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("directory", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("ended", Text),
    Column("plan_digest", Text, nullable=False),
    Column("plan", LargeBinary, nullable=False),  # the plan file, compressed by zlib
    Column("actor", Text, nullable=False),  # JSON
    Column("reason", Text),
    Column("resumes", Text),
    Column("undoes", Text),
    Column("steps", Integer, nullable=False),
    Column("counts", Text, nullable=False),  # JSON
    Column("stopped", Text),
    # What the directory and the files held after the run, for the next one's guards.
    Column("users", Integer),
    Column("groups", Integer),
    Column("memberships", Integer),
    Column("desired_users", Integer),
    Column("desired_groups", Integer),
    Index("runs_of_directory", "directory", "started"),
)

steps: Final = Table(
    "steps",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("step", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("resource_id", Text),
    Column("http_status", Integer),
    Column("request_id", Text),
    Column("requests", Integer, nullable=False, default=0),
    Column("tried", Text),
    Column("finished", Text),
    Column("before", Text),  # JSON
    PrimaryKeyConstraint("run_id", "number"),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("directory", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("user", Text, nullable=False, default=""),  # for queries: the address of the user that a step is about
    Column("group", Text, nullable=False, default=""),
    Column("actor", Text, nullable=False, default=""),
    Column("action", Text, nullable=False, default=""),
    Column("body", Text, nullable=False),  # canonical JSON
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("directory", "seq"),
    Index("audit_of_run", "run_id"),
)

_NEVER: Final = "the audit is append-only: its events are never changed and never deleted"

_REFUSALS: Final = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON audit BEGIN SELECT RAISE(ABORT, '{_NEVER}'); END"
        for what in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        f"CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION '{_NEVER}'; END$$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    ),
}


@event.listens_for(audit, "after_create")
def _refuse_changes(_table: Table, connection: Connection, **_: object) -> None:
    """Let the database keep out mistakes. Against somebody who owns it, the events are sealed with hashes."""
    for statement in _REFUSALS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


audit_heads: Final = Table(
    "audit_heads",
    metadata,
    Column("directory", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

locks: Final = Table(
    "locks",
    metadata,
    Column("directory", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("token", BigInteger, nullable=False),  # grows with every holder, so that an old one can be told
    Column("run_id", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("since", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("held", Integer, nullable=False),  # 1 while somebody holds it
)

timers: Final = Table(
    "timers",
    metadata,
    Column("directory", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("since", Text, nullable=False),
    PrimaryKeyConstraint("directory", "kind", "resource_id", "name"),
)

observations: Final = Table(
    "observations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("directory", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("wrote", Text, nullable=False),  # JSON
    Column("stored", Text, nullable=False),  # JSON
    Column("unchanged", Integer, nullable=False, default=0),
    Index("observations_of_directory", "directory", "id"),
)

desired_states: Final = Table(
    "desired_states",
    metadata,
    Column("directory", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("as_of", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),  # what the files stated when the last run applied them
)

accepted_drift: Final = Table(
    "accepted_drift",
    metadata,
    Column("directory", Text, nullable=False),
    Column("key", Text, nullable=False),  # names one difference: step, path or member
    Column("value", Text, nullable=False),  # digest of what the directory held when it was accepted
    Column("at", Text, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("directory", "key"),
)

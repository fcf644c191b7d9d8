"""The versions of the store's schema, and the way from each to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, func, insert, inspect, select, update

from reconciler.store.errors import StoreError, StoreTooNewError
from reconciler.store.tables import VERSION, metadata, schema_version

_LOCK: Final = 0x7265636F6E63696C
"""Names the advisory lock under which a database is migrated: ``reconcil``, in ASCII."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Attributes:
        version: what the store has after it, one more than before.
        apply: makes it so, in a transaction that others wait for. What stands in :mod:`reconciler.store.tables` is the
            newest schema and must not be read here: a step says in full what it changes, and is never edited again.
    """

    version: int
    apply: Callable[[Connection], None]


MIGRATIONS: Final[tuple[Migration, ...]] = ()
"""The steps from version 1 on, in order. A new store is made of the tables as they are, of the newest version."""


def version_of(connection: Connection) -> int | None:
    """Return the version of a store's schema, or ``None`` where there are no tables.

    Raises:
        StoreError: there are some, and the version is not told.
    """
    if not inspect(connection).has_table(schema_version.name):
        return None
    version = connection.execute(select(func.max(schema_version.c.version))).scalar_one()
    if not isinstance(version, int):
        raise StoreError("the store does not say which version its schema has: it was damaged or altered")
    return version


def migrate(engine: Engine, migrations: Sequence[Migration] = MIGRATIONS, *, create: bool) -> None:
    """Bring a store to the newest version, in one transaction; several processes may do so at once.

    Args:
        engine: where it is.
        migrations: the steps, by version.
        create: whether to make the tables where there are none.

    Raises:
        StoreTooNewError: it has a version that none of the steps leads to.
        StoreError: it has no version, and none is to be made.
    """
    newest = max((VERSION, *(migration.version for migration in migrations)))
    with engine.connect().execution_options(reads=True) as connection, connection.begin():
        found = version_of(connection)
    if found == newest:
        return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        # Whoever was first may have done it meanwhile.
        found = version_of(connection)
        if found is None:
            if not create:
                raise StoreError(f"{engine.url.database} is a database, and no store of this program")
            metadata.create_all(connection)
            connection.execute(insert(schema_version).values(version=newest))
            return
        if found > newest:
            raise StoreTooNewError(found, newest)
        for migration in migrations:
            if migration.version > found:
                migration.apply(connection)
        connection.execute(update(schema_version).values(version=newest))

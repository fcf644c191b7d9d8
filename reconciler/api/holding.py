"""Being alone with a directory, from before it is read until what was planned is applied."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.carrying_out import locked, opened
from reconciler.config import DirectoryConfig
from reconciler.scim.endpoint import resolve_base_url
from reconciler.store import Actor, LockHolder, Store
from reconciler.store.actor import current_actor

if TYPE_CHECKING:
    # It loads SQLAlchemy, and start-up time is felt at every command.
    from reconciler.store.lock import Lock

_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Hold:
    """A directory that nobody else writes to through this store.

    Attributes:
        store: open.
        lock: of the directory, held. The run that is begun with it has its name, ``lock.run_id``.
    """

    store: Store
    lock: Lock


@contextmanager
def hold(
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    environ: Mapping[str, str] | None = None,
    actor: Actor | None = None,
    lock_timeout: timedelta = _AT_ONCE,
    on_wait: Callable[[LockHolder], None] | None = None,
) -> Iterator[Hold]:
    """Open the store of a workspace and take the lock of its directory, for one run; give both back at the end.

    For programs that read, plan and apply without anybody writing in between: give :func:`reconciler.apply` the
    ``store`` and the ``lock`` of what this gives.

    Args:
        config: what ``directory.yaml`` says.
        workspace: its folder.
        environ: the environment variables that the base URL and the store may name; this process's own if left out.
        actor: who holds the lock, for those that meet it; what the system and the CI job say of themselves if left
            out.
        lock_timeout: how long to wait for another run's lock.
        on_wait: told who holds the lock, when the waiting begins.

    Raises:
        LockedError: another run writes to the directory.
        BaseUrlError: the base URL cannot be used.
        StoreError: the store cannot be opened or written.
    """
    variables = os.environ if environ is None else environ
    base_url = resolve_base_url(config.base_url, variables)
    who = actor or current_actor(Path(workspace), variables)
    with (
        opened(config, Path(workspace), variables) as store,
        locked(base_url, config, store, who, wait=lock_timeout, on_wait=on_wait) as lock,
    ):
        yield Hold(store, lock)

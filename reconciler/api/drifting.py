"""Drift: what changed in the directory since the last run, told from what the files have still to change."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.errors import NoSuchDifferenceError, NotDriftError
from reconciler.config import DirectoryConfig, Policy
from reconciler.model import Desired, Live
from reconciler.planning.drift import Drift, Item, Sort, find_drift, without_batch
from reconciler.planning.plan import Action
from reconciler.store import Actor, RunRecord, Store, new_run_id
from reconciler.store.actor import current_actor

if TYPE_CHECKING:
    # They load SQLAlchemy, and start-up time is felt at every command.
    from reconciler.store.desired_states import Applied
    from reconciler.store.records import AcceptedDrift

_APPLIED = "applied"
_RUNS = 1000
"""How many runs are looked through for what became of the files' last statement, at most."""


def drift(
    desired: Desired,
    live: Live,
    workspace: Path | str,
    *,
    as_of: datetime,
    policy: Policy | None = None,
    environ: Mapping[str, str] | None = None,
    store: Store | None = None,
) -> Drift:
    """Tell what changed in the directory since the last recorded run from what the files have still to change.

    Nothing is written, neither to the directory nor to the store.

    Args:
        desired: what the files state.
        live: what the directory holds.
        workspace: the folder of the files.
        as_of: the moment at which ``from`` and ``until`` are judged; must know its time zone.
        policy: the rules of planning; what ``directory.yaml`` says unless given. Guards do not count.
        environ: the environment variables that the store's URL may name; this process's own if left out.
        store: an open store; the workspace's own is opened and closed if left out.

    Returns:
        Every difference between the directory and the files, each in one sort. Where no run is recorded, all of them
        are of unknown origin, and ``last_run`` is ``None``.

    Raises:
        DiagnosticsError: the files are in doubt, as in planning.
        StoreError: the store cannot be read.
    """
    if store is not None:
        return find(store, desired, live, as_of=as_of, policy=policy)
    variables = os.environ if environ is None else environ
    own = Store.open_existing(desired.config, Path(workspace), variables)
    if own is None:
        return find_drift(last=None, last_as_of=None, desired=desired, live=live, as_of=as_of, policy=policy)
    with own:
        return find(own, desired, live, as_of=as_of, policy=policy)


def find(store: Store, desired: Desired, live: Live, *, as_of: datetime, policy: Policy | None = None) -> Drift:
    """Return the drift of a directory by what an open store knows; see :func:`drift`."""
    from reconciler.store import accepted_drift, desired_states

    where = live.base_url
    with store.reading() as connection:
        last = desired_states.load(connection, where, desired.config)
        accepted = {one.key: one.value for one in accepted_drift.read(connection, where)}
    return find_drift(
        last=last.desired if last else None,
        last_as_of=last.as_of if last else None,
        desired=desired,
        live=live,
        as_of=as_of,
        policy=policy,
        history=store.history(where),
        unapplied=_unapplied(store, where, last) if last else (),
        accepted=accepted,
        last_run=last.run_id if last else None,
    )


def accept_drift(
    found: Drift,
    keys: Sequence[str],
    config: DirectoryConfig,
    workspace: Path | str,
    *,
    reason: str,
    environ: Mapping[str, str] | None = None,
    actor: Actor | None = None,
    now: datetime | None = None,
) -> tuple[Item, ...]:
    """Accept drift as it is now: it is not told any more until the directory changes it again.

    The directory and the plan stay as they are: what the files state, an apply still brings about.

    Args:
        found: what :func:`drift` returned.
        keys: which differences, by their keys, or by addresses of resources for all of theirs; all drift if empty.
        config: what ``directory.yaml`` says.
        workspace: its folder.
        reason: why; kept beside it, and in the audit.
        environ: the environment variables that the store's URL may name; this process's own if left out.
        actor: who accepts it, for the audit; what the system and the CI job say of themselves if left out.
        now: when; the present moment if left out.

    Returns:
        What was accepted.

    Raises:
        NoSuchDifferenceError: a key names nothing that was found.
        NotDriftError: a key names something that the files have still to change.
        StoreError: the store cannot be opened or written.
    """
    chosen = _chosen(found, keys)
    variables = os.environ if environ is None else environ
    if chosen:
        from reconciler.store import accepted_drift

        with Store.open(config, Path(workspace), variables) as store, store.writing() as connection:
            accepted_drift.accept(
                connection,
                found.directory.base_url,
                new_run_id(),
                chosen,
                reason=reason,
                actor=actor or current_actor(Path(workspace), variables, reason=reason),
                now=now or datetime.now(UTC),
            )
    return chosen


def forget_drift(
    keys: Sequence[str],
    config: DirectoryConfig,
    workspace: Path | str,
    base_url: str,
    *,
    reason: str | None = None,
    environ: Mapping[str, str] | None = None,
    actor: Actor | None = None,
    now: datetime | None = None,
) -> tuple[AcceptedDrift, ...]:
    """Take back that drift is accepted: from now on it is told again.

    Args:
        keys: which, by their keys, or by addresses of resources for all of theirs.
        config: what ``directory.yaml`` says.
        workspace: its folder.
        base_url: which directory: the resolved SCIM endpoint.
        reason: why, for the audit.
        environ: the environment variables that the store's URL may name; this process's own if left out.
        actor: who takes it back, for the audit; what the system and the CI job say of themselves if left out.
        now: when; the present moment if left out.

    Returns:
        What is not accepted any more.

    Raises:
        NoSuchDifferenceError: nothing accepted has such a key.
        StoreError: the store cannot be read or written.
    """
    variables = os.environ if environ is None else environ
    from reconciler.store import accepted_drift

    with Store.open(config, Path(workspace), variables) as store, store.writing() as connection:
        known = {one.key: one for one in accepted_drift.read(connection, base_url)}
        chosen = [key for wanted in keys for key in _named(wanted, known, "accepted drift")]
        accepted_drift.forget(
            connection,
            base_url,
            new_run_id(),
            dict.fromkeys(chosen),
            reason=reason,
            actor=actor or current_actor(Path(workspace), variables, reason=reason),
            now=now or datetime.now(UTC),
        )
    return tuple(known[key] for key in dict.fromkeys(chosen))


def _chosen(found: Drift, keys: Sequence[str]) -> tuple[Item, ...]:
    drifted = found.of(Sort.DRIFT, Sort.BOTH, Sort.UNKNOWN)
    if not keys:
        return drifted
    acceptable = {item.key: item for item in drifted}
    pending = [item.key for item in found.of(Sort.PENDING)]
    chosen: dict[str, Item] = {}
    for wanted in keys:
        if not _matching(wanted, acceptable) and _matching(wanted, pending):
            raise NotDriftError(wanted)
        chosen |= {key: acceptable[key] for key in _named(wanted, acceptable, "drift")}
    return tuple(chosen.values())


def _named(wanted: str, keys: Collection[str], what: str) -> list[str]:
    found = _matching(wanted, keys)
    if not found:
        near = difflib.get_close_matches(wanted, keys, n=1)
        raise NoSuchDifferenceError(wanted, what, near[0] if near else None)
    return found


def _matching(wanted: str, keys: Iterable[str]) -> list[str]:
    """Return the key that is meant, or all keys of the resource whose address is."""
    known = list(keys)
    return [wanted] if wanted in known else [key for key in known if key.startswith(f"{wanted} ")]


def _unapplied(store: Store, directory: str, last: Applied) -> set[str]:
    """Return the ids of steps that would bring about what the files stated last, and that no run has applied yet.

    Those that the run did not apply or left out, without what runs since have applied of them, and with what an undo
    has taken back since, or a plan of other files has changed: that was this tool's doing and not the directory's.
    """
    unapplied = _left_by(store, last.run_id) - last.drifted
    for run in _since(store, directory, last.run_id):
        applied = _applied_by(store, run.id)
        if run.undoes is None and store.plan_of(run.id).desired.digest == last.desired.digest:
            unapplied -= applied
        else:
            subjects = {step.partition(" ")[2] for step in applied}
            unapplied |= {f"{action} {subject}" for subject in subjects for action in Action}
    return unapplied


def _applied_by(store: Store, run_id: str) -> set[str]:
    """Return the steps of which a run applied every batch."""
    return {without_batch(line.step) for line in store.steps_of(run_id)} - _not_applied_by(store, run_id)


def _left_by(store: Store, run_id: str) -> set[str]:
    left_out = {without_batch(left.step) for left in store.plan_of(run_id).left_out}
    return left_out | _not_applied_by(store, run_id)


def _not_applied_by(store: Store, run_id: str) -> set[str]:
    return {without_batch(line.step) for line in store.steps_of(run_id) if line.state != _APPLIED}


def _since(store: Store, directory: str, run_id: str) -> list[RunRecord]:
    """Return the runs after one, the oldest first."""
    newer: list[RunRecord] = []
    for run in store.runs(directory, limit=_RUNS):
        if run.id == run_id:
            break
        newer.append(run)
    return newer[::-1]

"""``(Desired, Live, Policy, as_of, History) -> Plan``: pure, and the same inputs give the same bytes.

What the service provider can do comes with :class:`~reconciler.model.Live`, because it is read from the same server at
the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from reconciler._version import TOOL
from reconciler.config import Policy
from reconciler.diagnostics import DiagnosticsError
from reconciler.model import NO_HISTORY, Desired, History, Live, utc
from reconciler.planning.access import effect_of
from reconciler.planning.confinement import Part, confine, notes_of, taking_part
from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair, correlate
from reconciler.planning.document import seal
from reconciler.planning.grace import in_order, still_pending
from reconciler.planning.groups import plan_groups, replaced_deletions
from reconciler.planning.guarding import judge, recorded, with_minimums, with_privileged
from reconciler.planning.leaving_out import key_of
from reconciler.planning.memberships import plan_memberships
from reconciler.planning.names import release_names
from reconciler.planning.ordering import arrange, chunked
from reconciler.planning.plan import (
    FORMAT,
    DesiredIdentity,
    DirectoryIdentity,
    LeftOut,
    LiveCounts,
    Note,
    Plan,
    Step,
    Verdict,
)
from reconciler.planning.roster import Rosters
from reconciler.planning.selection import select
from reconciler.planning.touched import Touched
from reconciler.planning.users import plan_users


def plan(
    desired: Desired,
    live: Live,
    *,
    as_of: datetime,
    policy: Policy | None = None,
    history: History = NO_HISTORY,
    since: Touched | None = None,
) -> Plan:
    """Work out what has to be done so that the directory holds what the files state.

    Args:
        desired: what the files state.
        live: what the directory holds, complete.
        as_of: the moment at which ``from`` and ``until`` are judged; must know its time zone.
        policy: the rules of planning; what ``directory.yaml`` says unless given.
        history: what earlier runs left: what the directory made of earlier writes (what it would not keep is told and
            not planned again), grace timers, and what was there after the last run.
        since: the change of the files that the plan is confined to; ``live`` needs to hold no more than what an
            :class:`~reconciler.planning.inquiry.Inquiry` asks for then. Everything, if left out.

    Returns:
        A sealed plan. Guards that refuse it are in it: look at ``refusals`` before applying.

    Raises:
        DiagnosticsError: something is ambiguous or out of scope, with every such problem.
        ValueError: ``as_of`` has no time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of must know its time zone")
    part = Part(desired.users, desired.groups) if since is None else taking_part(since, desired, live)
    users = correlate(part.users, live.users)
    groups = correlate(part.groups, live.groups, renamable=live.capabilities.group_rename)
    context = Context(
        desired=desired,
        live=live,
        policy=policy or desired.config.policy,
        as_of=as_of,
        listed=frozenset(pair.live.id for pair in users.pairs if pair.live is not None),
        history=history,
        confinement=None if since is None else confine(since, live, users, groups),
    )
    findings = context.findings
    findings.problems.extend((*users.problems, *groups.problems))

    user_steps = tuple(plan_users(context, users))
    group_steps, targets = plan_groups(context, groups)
    rosters = Rosters(context, users.pairs, targets)
    membership_steps = tuple(plan_memberships(context, targets, rosters))
    deletions = tuple(replaced_deletions(context, targets, membership_steps))
    # Who takes whose name can only be told once it is certain who is meant.
    _refuse_problems(context)
    pairs: tuple[AnyPair, ...] = (*users.pairs, *groups.pairs)
    unordered = release_names(context, (*user_steps, *group_steps, *membership_steps, *deletions), pairs)
    if context.confinement is not None:
        unordered = context.confinement.steps(unordered, pairs)
    return finished(context, unordered, pairs)


def finished(
    context: Context, unordered: Iterable[Step], pairs: tuple[AnyPair, ...], *, undoes: str | None = None
) -> Plan:
    """Return the plan of these steps: put in order, confined to what is selected, judged by every guard, and sealed.

    Args:
        context: the inputs of the planning, and what was found out so far.
        unordered: the steps, in any order.
        pairs: all listed resources with the live ones that they mean.
        undoes: the run that the plan undoes, where the steps are not what the files state.

    Raises:
        DiagnosticsError: names wait for each other, or a selection cannot be understood.
    """
    findings = context.findings
    bulk = context.capabilities.bulk_operations > 1
    chunk_size, canary = context.policy.chunk_size, context.policy.canary
    # Everything is put in order before anything is left out: the files are one state, wrong as a whole or not at all.
    everything = arrange(
        with_minimums(context, unordered, pairs),
        chunk_size=chunk_size,
        canary=canary,
        problems=findings.problems,
        bulk=bulk,
    )
    _refuse_problems(context)
    parted = select(context, everything, pairs)
    _refuse_problems(context)
    findings.pending.extend(still_pending(parted.dropped))
    steps = everything
    if parted.left_out:
        findings.forget({*map(key_of, parted.dropped)}.difference(map(key_of, parted.kept)))
        steps = chunked(parted.kept, chunk_size=chunk_size, canary=canary, bulk=bulk)
    verdicts = judge(context, steps, pairs, from_files=undoes is None)
    steps = with_privileged(context, steps, pairs)
    return _document(context, steps, parted.left_out, verdicts, undoes)


def _document(
    context: Context,
    steps: tuple[Step, ...],
    left_out: tuple[LeftOut, ...],
    verdicts: tuple[Verdict, ...],
    undoes: str | None,
) -> Plan:
    desired, live, config = context.desired, context.live, context.desired.config
    confinement = context.confinement
    since = None if confinement is None else confinement.since(desired, context.history.timers)
    return seal(
        Plan(
            format=FORMAT,
            tool=TOOL,
            directory=DirectoryIdentity(name=config.name, base_url=live.base_url, dialect=config.dialect),
            desired=DesiredIdentity(
                digest=desired.digest,
                commit=desired.commit,
                files=desired.files,
                users=len(desired.users),
                groups=len(desired.groups),
            ),
            live=LiveCounts(
                users=len(live.users),
                groups=len(live.groups),
                memberships=sum(len(group.members or ()) for group in live.groups),
            ),
            as_of=utc(context.as_of),
            capabilities=live.capabilities.as_json(),
            confirm_replace=context.policy.confirm_replace,
            reason=context.policy.reason,
            undoes=undoes,
            only=context.policy.only,
            exclude=context.policy.exclude,
            allowances=recorded(context.policy),
            guards=verdicts,
            notes=(*notes_of(since), *_left_alone(context), *context.findings.notes),
            pending=in_order(context.findings.pending),
            left_out=left_out,
            since=since,
            steps=steps,
            effect=effect_of(context, steps),
        )
    )


def _refuse_problems(context: Context) -> None:
    if context.findings.problems:
        # The same problem may be met on several ways; a person needs to read it once.
        raise DiagnosticsError(dict.fromkeys(context.findings.problems))


def _left_alone(context: Context) -> tuple[Note, ...]:
    return tuple(
        Note(severity="note", code="left-alone", message=f"left alone: {_counted(count, what)}")
        for what, count in sorted(context.findings.left_alone.items())
    )


def _counted(count: int, what: str) -> str:
    """Put a number before what was counted, which begins with a plural."""
    plural, _, rest = what.partition(" ")
    return f"{count:,} {plural if count != 1 else plural.removesuffix('s')} {rest}"

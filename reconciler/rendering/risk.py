"""What a reviewer should look at first: what cannot be taken back, what opens doors, what somebody has allowed.

Worked out from the plan document alone, so that text, Markdown and HTML say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.planning.plan import Action, Allowed, Plan, Reason, Step, Verdict
from reconciler.rendering.access import left_without_group

Severity: TypeAlias = Literal["high", "medium"]

_NUMBERED: Final[Mapping[str, tuple[Severity, str, str]]] = MappingProxyType(
    {
        "refused": ("high", "guard refuses this plan", "guards refuse this plan"),
        "user-deleted": ("high", "user is deleted", "users are deleted"),
        "group-deleted": ("high", "group is deleted", "groups are deleted"),
        "group-replaced": ("high", "group is replaced by a new one", "groups are replaced by new ones"),
        "privileged-group": ("high", "privileged group changes", "privileged groups change"),
        "privileged-user": ("high", "user with privileged access changes", "users with privileged access change"),
        "identity": (
            "high",
            "identity changes (name, externalId or e-mail)",
            "identities change (name, externalId or e-mail)",
        ),
        "last-group": (
            "high",
            "person keeps a working account and is left without any group",
            "people keep a working account and are left without any group",
        ),
        "lifted": ("high", "guard is lifted", "guards are lifted"),
        "deactivated": ("medium", "user is deactivated", "users are deactivated"),
        "group-emptied": ("medium", "group is left without anybody", "groups are left without anybody"),
        "reactivated": ("medium", "inactive account works again", "inactive accounts work again"),
        "adopted": ("medium", "user or group is adopted", "users or groups are adopted"),
        "allowance": ("medium", "allowance is given and not needed", "allowances are given and not needed"),
    }
)
"""Every code with how serious it is and what it says of one and of several, most serious first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """One thing to look at first.

    Attributes:
        severity: ``high`` for what is hard to take back or opens doors, ``medium`` for what is worth a look.
        code: stable and machine-readable: ``user-deleted``, ``privileged-group``; all are in :data:`CODES`.
        title: what it is, with the number; the tool's own words, nothing foreign: ``2 users are deleted``.
        number: how many there are of it.
        addresses: all users and groups that it is about, ``user:ada@example.com``; foreign text. None where it is
            about the plan as a whole.
        facts: what to show in place of the addresses where there is something better: the names of guards, which group
            takes the place of which; foreign text. What guards have counted, the plan's verdicts tell.
        steps: the ids of the steps that do it.
    """

    severity: Severity
    code: str
    title: str
    number: int
    addresses: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


CODES: Final = tuple(_NUMBERED)
"""The codes of all risks, most serious first."""

_SHARES: Final[tuple[tuple[str, Callable[[Step], bool]], ...]] = (
    ("user-deleted", lambda step: step.action is Action.DELETE and step.kind is Kind.USER),
    ("group-deleted", lambda step: step.action is Action.DELETE and step.kind is Kind.GROUP and step.replaces is None),
    ("privileged-group", lambda step: step.privileged and step.kind is Kind.GROUP),
    ("privileged-user", lambda step: step.privileged and step.kind is Kind.USER),
    ("identity", lambda step: step.identity and not _links(step)),
    ("deactivated", lambda step: step.action is Action.DEACTIVATE),
    ("reactivated", lambda step: step.action is Action.REACTIVATE),
    ("adopted", lambda step: step.identity and _links(step)),
)
"""The risks that single steps are, and which steps those are."""


def risks(plan: Plan) -> tuple[Risk, ...]:
    """Return what to look at first, most serious first; nothing where there is nothing.

    One thing may be a risk for several reasons: the deletion of a privileged group is both.
    """
    found = {
        **{code: _of_steps(code, [step for step in plan.steps if belongs(step)]) for code, belongs in _SHARES},
        "group-replaced": _replacements(plan.steps),
        "last-group": _last_groups(plan),
        "group-emptied": _emptied(plan),
        "refused": _verdicts("refused", plan.refusals),
        "lifted": _lifted(plan.guards),
        "allowance": _unneeded(plan),
    }
    return tuple(risk for code in CODES if (risk := found[code]).number)


def _risk(
    code: str,
    number: int,
    *,
    addresses: Iterable[str] = (),
    facts: Iterable[str] = (),
    steps: Iterable[str] = (),
) -> Risk:
    severity, one, many = _NUMBERED[code]
    return Risk(
        severity=severity,
        code=code,
        title=f"{number:,} {one if number == 1 else many}",
        number=number,
        addresses=tuple(addresses),
        facts=tuple(facts),
        steps=tuple(steps),
    )


def _of_steps(code: str, steps: Sequence[Step]) -> Risk:
    """Return the risk that steps are, counted by what they change: the batches of one group are one."""
    resources = {(step.kind, step.resource_id or step.name): step.address for step in steps}
    return _risk(code, len(resources), addresses=resources.values(), steps=(step.id for step in steps))


def _links(step: Step) -> bool:
    """Tell whether all that a step changes of an identity is to write an externalId where there was none."""
    return step.reason is Reason.ADOPTED and all(
        change.path == "externalId" and change.before is None for change in step.changes if change.identity
    )


def _replacements(steps: Sequence[Step]) -> Risk:
    pairs: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        if step.replaces is not None:
            old_and_new = (step.replaces, step.name) if step.action is Action.CREATE else (step.name, step.replaces)
            pairs.setdefault(old_and_new, []).append(step)
    return _risk(
        "group-replaced",
        len(pairs),
        addresses=(Kind.GROUP.address(old) for old, _ in pairs),
        facts=(f"{old} → {new}" for old, new in pairs),
        steps=(step.id for some in pairs.values() for step in some),
    )


def _last_groups(plan: Plan) -> Risk:
    left = left_without_group(plan)
    names = dict.fromkeys(user.name for user in left)
    causes = (change for group in plan.effect.groups for change in group.lost)
    steps = dict.fromkeys(change.step for change in causes if not names.keys().isdisjoint(change.users))
    return _risk("last-group", len(left), addresses=map(Kind.USER.address, names), steps=steps)


def _emptied(plan: Plan) -> Risk:
    gone = {step.resource_id for step in plan.steps if step.kind is Kind.GROUP and step.action is Action.DELETE}
    groups = [group for group in plan.effect.groups if group.before and group.after == 0 and group.id not in gone]
    steps = dict.fromkeys(change.step for group in groups for change in group.lost)
    addresses = (Kind.GROUP.address(group.name) for group in groups)
    return _risk("group-emptied", len(groups), addresses=addresses, steps=steps)


def _lifted(guards: Sequence[Verdict]) -> Risk:
    return _verdicts("lifted", [verdict for verdict in guards if verdict.passed and verdict.allowed_by is not None])


def _verdicts(code: str, verdicts: Sequence[Verdict]) -> Risk:
    return _risk(
        code,
        len(verdicts),
        addresses=dict.fromkeys(verdict.subject for verdict in verdicts if verdict.subject is not None),
        facts=dict.fromkeys(map(_told, verdicts)),
    )


def _told(verdict: Verdict) -> str:
    subject = f" of {verdict.subject}" if verdict.subject else ""
    reason = f" ({verdict.allowed_by})" if verdict.allowed_by else ""
    return f"{verdict.guard}{subject}{reason}"


def _unneeded(plan: Plan) -> Risk:
    used = [verdict for verdict in plan.guards if not verdict.passed or verdict.allowed_by is not None]
    given = [allowed for allowed in plan.allowances if not any(_meant(allowed, verdict) for verdict in used)]
    return _risk("allowance", len(given), facts=(f"{allowed.allowance} ({allowed.reason})" for allowed in given))


def _meant(allowed: Allowed, verdict: Verdict) -> bool:
    """Tell whether an allowance was about a verdict: ``GUARD[=N]`` or ``ADDRESS/GUARD[=N]``."""
    subject, slash, rest = allowed.allowance.rpartition("/")
    same_guard = rest.partition("=")[0] == verdict.guard
    return same_guard and (not slash or fold(subject) == fold(verdict.subject or ""))

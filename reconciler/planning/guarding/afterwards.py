"""What ``protect`` in ``directory.yaml`` forbids by now of a plan that was made, and judged, before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from reconciler.attributes import fold
from reconciler.config import Protection
from reconciler.model import Kind
from reconciler.planning.guarding.forecast import key
from reconciler.planning.guarding.limits import SHOWN
from reconciler.planning.guarding.protection import WHERE, Patterns
from reconciler.planning.plan import Action, Plan, Step, Verdict

_TAKES_AWAY = frozenset({Action.DEACTIVATE, Action.DELETE})


def forbidden_by_now(plan: Plan, protection: Protection) -> tuple[Verdict, ...]:
    """Return what a plan would do to users and groups that ``protect`` covers, as refusals; nothing of a fresh plan.

    A plan that was saved is judged once, when it is made. Meanwhile somebody may have put a name under ``protect``.
    Everything is told by the names in the plan, because the directory is not read again before it is applied. So who is
    in a group that goes, which groups a deleted user leaves, and what is inside a privileged group, is not looked at
    once more.

    Args:
        plan: a plan without refusals.
        protection: what ``directory.yaml`` says now.
    """
    return tuple(_forbidden(plan, protection))


def _forbidden(plan: Plan, protection: Protection) -> Iterator[Verdict]:
    protected = {Kind.USER: Patterns(protection.users), Kind.GROUP: Patterns(protection.groups)}
    privileged = Patterns(protection.privileged)
    break_glass = frozenset(map(fold, protection.break_glass))
    judged = frozenset(fold(one.subject) for one in plan.guards if one.guard == "privileged" and one.subject)
    names = _names(plan)
    for step in plan.steps:
        called = names[step.kind, key(step)]
        if step.action in _TAKES_AWAY and protected[step.kind].first(called) is not None:
            yield _refusal("protected", step, f"protect.{step.kind.lower()}s")
        if step.kind is Kind.USER:
            if _takes_account(step, called, break_glass):
                yield _refusal("break_glass", step, "protect.break_glass")
            continue
        if privileged.first(called) is not None and judged.isdisjoint(fold(step.kind.address(one)) for one in called):
            yield _refusal("privileged", step, "protect.privileged")
        if step.action is Action.REMOVE_MEMBERS:
            yield from _of_removal(step, called, protection, break_glass)


def _names(plan: Plan) -> Mapping[tuple[Kind, str], set[str]]:
    """Return the folded names that each resource of a plan has or gets."""
    names = defaultdict[tuple[Kind, str], set[str]](set)
    for step in plan.steps:
        renamed = (change.after for change in step.changes if change.path == step.kind.naming_attribute)
        given = (step.name, step.replaces, *renamed)
        names[step.kind, key(step)].update(fold(name) for name in given if isinstance(name, str))
    return names


def _takes_account(step: Step, called: set[str], break_glass: frozenset[str]) -> bool:
    if step.action in _TAKES_AWAY:
        return not called.isdisjoint(break_glass)
    return fold(step.name) in break_glass and any(
        change.path == step.kind.naming_attribute and fold(str(change.after)) not in break_glass
        for change in step.changes
    )


def _of_removal(step: Step, called: set[str], protection: Protection, break_glass: frozenset[str]) -> Iterator[Verdict]:
    removed = {fold(edge.name): edge.address for edge in step.members if edge.kind is Kind.USER}
    if emergency := removed.keys() & break_glass:
        yield _refusal("break_glass", step, "protect.break_glass", tuple(removed[one] for one in sorted(emergency)))
    for group, members in protection.required_members.items():
        lost = removed.keys() & set(map(fold, members)) if fold(group) in called else ()
        if lost:
            whom = tuple(removed[one] for one in sorted(lost))
            yield _refusal("required_members", step, "protect.required_members", whom)
    for group, number in protection.min_members.items():
        if fold(group) in called and number > (step.min_members or 0):
            yield _refusal("min_members", step, "protect.min_members")


def _refusal(guard: str, step: Step, where: str, resources: tuple[str, ...] = ()) -> Verdict:
    return Verdict(
        guard=guard,
        passed=False,
        number=1,
        limit="0",
        subject=step.address,
        resources=(resources or (step.address,))[:SHOWN],
        how_to_allow=f"change `{where}` in {WHERE}",
    )

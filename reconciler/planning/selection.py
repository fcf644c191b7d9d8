"""What a run is confined to: ``--only``, ``--exclude``, and the kinds of change that go without a person."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from reconciler.attributes import fold
from reconciler.diagnostics import Diagnostic, ReconcilerError
from reconciler.filters import Filter, FilterError
from reconciler.model import Kind, Live, LiveResource
from reconciler.planning.access import effect_on
from reconciler.planning.context import Context
from reconciler.planning.correlation import AnyPair, Pair
from reconciler.planning.document import seal
from reconciler.planning.grace import in_order, still_pending
from reconciler.planning.leaving_out import Key, Parted, key, key_of, leave_out
from reconciler.planning.ordering import CANARY, renumbered
from reconciler.planning.plan import Edge, Note, Plan, Step
from reconciler.planning.vocabulary import CHANGE_KINDS, Action

FORMS: Final = 'user:NAME, group:NAME, users[FILTER] or groups[FILTER], as in users[department eq "Platform"]'
_NEAR: Final = 0.75


class SelectorError(ReconcilerError):
    """Text that selects nothing because it cannot be understood.

    Attributes:
        text: as it was given.
        detail: what is wrong with it, as a clause.
    """

    def __init__(self, text: str, detail: str) -> None:
        self.text = text
        self.detail = detail
        super().__init__(f"{text!r} {detail}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Names one resource, or all that a filter (RFC 7644 §3.4.2.2) matches. One of ``name`` and ``filter`` is given.

    Attributes:
        text: as it was written.
        kind: of the resources.
        name: the naming attribute of the resource, as it is or as it will be, in any case.
        filter: what the resources match, as they will be.
    """

    text: str
    kind: Kind
    name: str | None = None
    filter: Filter | None = None

    def __str__(self) -> str:
        return self.text


def parse_selector(text: str) -> Selector:
    """Read ``user:NAME``, ``group:NAME``, ``users[FILTER]`` or ``groups[FILTER]``.

    Raises:
        SelectorError: it is none of these, or its filter cannot be read.
    """
    stripped = text.strip()
    for kind in Kind:
        address, opening = f"{kind.lower()}:", f"{kind.lower()}s["
        if stripped.startswith(address):
            name = stripped.removeprefix(address)
            if not name:
                raise SelectorError(text, "names nobody: a name comes behind the colon")
            return Selector(text=text, kind=kind, name=name)
        if stripped.startswith(opening):
            if not stripped.endswith("]"):
                raise SelectorError(text, "does not end: a `]` comes behind the filter")
            try:
                found = Filter.parse(stripped.removeprefix(opening).removesuffix("]"))
            except FilterError as error:
                raise SelectorError(text, f"holds {error}") from error
            return Selector(text=text, kind=kind, filter=found)
    raise SelectorError(text, f"is not what resources are selected by: {FORMS}")


class _Resource(NamedTuple):
    """Something that can be selected: a listed resource with the live ones that it means, or an unlisted one."""

    kind: Kind
    names: frozenset[str]
    keys: tuple[Key, ...]
    pair: AnyPair | None
    live: LiveResource | None


def select(context: Context, steps: Sequence[Step], pairs: Sequence[AnyPair]) -> Parted:
    """Return the steps that ``only`` and ``exclude`` leave, and what they do not leave.

    A step stays if its resource is selected. A membership stays if ``only`` selects the group or the member, and
    ``exclude`` neither. What needs something that does not stay goes with it.

    Args:
        context: its findings are told of selectors that cannot be understood, that name nothing, and that find nobody.
        steps: all steps, in the order of a plan.
        pairs: all listed resources with the live ones that they mean.
    """
    policy = context.policy
    if not policy.only and not policy.exclude:
        return Parted(tuple(steps), (), ())
    resources = [*_resources(context, pairs)]
    only = _selected(context, "only", policy.only, resources) if policy.only else None
    excluded = _selected(context, "exclude", policy.exclude, resources)

    def why(*about: Key) -> str | None:
        if not excluded.isdisjoint(about):
            return "exclude"
        return None if only is None or not only.isdisjoint(about) else "only"

    def why_step(step: Step) -> str | None:
        return why(key_of(step))

    def why_edge(step: Step, edge: Edge) -> str | None:
        return why(key_of(step), key(edge.kind, edge.id, edge.name))

    return leave_out(steps, why_step, why_edge)


def select_kinds(plan: Plan, kinds: Collection[str], *, live: Live, canary: int = CANARY) -> Plan:
    """Return the part of a plan that may be applied without a person.

    Steps of other kinds are left out, and everything that needs one of them: a new member of a group whose creation is
    not approved, a group's replacement unless all of it is approved, removals from a group with a minimum unless its
    additions are. The verdicts of the guards stay those of the whole
    plan. A plan that is approved as a whole is returned as it is, signature included.

    Args:
        plan: a sealed plan.
        kinds: what is approved, of :data:`~reconciler.planning.vocabulary.CHANGE_KINDS`.
        live: the directory that the plan was made for, by which is told whose access the part changes.
        canary: steps of the first chunk, at most.

    Raises:
        ValueError: there is no such kind of change.
    """
    approved = frozenset(kinds)
    if not approved.issubset(CHANGE_KINDS):
        raise ValueError(f"not a kind of change: {', '.join(sorted(approved.difference(CHANGE_KINDS)))}")

    def why_step(step: Step) -> str | None:
        return None if approved.issuperset(step.change_kinds) else "auto_approve"

    # Who comes in keeps a group at its minimum when others go out: one half of that is not for the night.
    joined = {
        key_of(step): step.id for step in plan.steps if step.action is Action.ADD_MEMBERS and why_step(step) is not None
    }

    def why_edge(step: Step, _: Edge) -> str | None:
        why = why_step(step)
        if why is None and step.min_members is not None and key_of(step) in joined:
            return f"needs “{joined[key_of(step)]}”"
        return why

    parted = leave_out(plan.steps, why_step, why_edge)
    if not parted.left_out:
        return plan
    return seal(
        msgspec.structs.replace(
            plan,
            steps=renumbered(parted.kept, canary=canary),
            effect=effect_on(live, parted.kept),
            left_out=(*plan.left_out, *parted.left_out),
            pending=in_order((*plan.pending, *still_pending(parted.dropped))),
            signature=None,
        )
    )


def _resources(context: Context, pairs: Collection[AnyPair]) -> Iterator[_Resource]:
    seen: set[Key] = set()
    for pair in pairs:
        desired = pair.desired
        found = [live for live in (pair.live, pair.predecessor) if live is not None]
        keys = (key(desired.kind, None, desired.name), *(key(live.kind, live.id, live.name) for live in found))
        names = frozenset(map(fold, (desired.name, *(live.name for live in found))))
        seen.update(keys)
        yield _Resource(desired.kind, names, keys, pair, pair.live)
    if context.confinement is not None:
        # Nothing is known of the others, and yet they are not slips of the pen.
        taking_part = {(pair.desired.kind, pair.desired.name) for pair in pairs}
        others: Iterator[AnyPair] = chain(
            (Pair(desired=user) for user in context.desired.users),
            (Pair(desired=group) for group in context.desired.groups),
        )
        for pair in others:
            desired = pair.desired
            if (desired.kind, desired.name) not in taking_part:
                keys = (key(desired.kind, None, desired.name),)
                yield _Resource(desired.kind, frozenset({fold(desired.name)}), keys, pair, None)
    for live in (*context.live.users, *context.live.groups):
        known = key(live.kind, live.id, live.name)
        if known not in seen:
            yield _Resource(live.kind, frozenset({fold(live.name)}), (known,), None, live)


_Test: TypeAlias = Callable[[_Resource], bool]


def _selected(context: Context, flag: str, texts: Iterable[str], resources: Sequence[_Resource]) -> frozenset[Key]:
    """Return the keys of all resources that one of the selectors selects."""
    keys: set[Key] = set()
    for text in texts:
        try:
            selector = parse_selector(text)
        except SelectorError as error:
            context.findings.problems.append(Diagnostic(code="selector", message=f"--{flag} {error}", text=text))
            continue
        test = _test(context, flag, selector)
        chosen = [one for one in resources if one.kind is selector.kind and test(one)] if test else []
        keys.update(one for resource in chosen for one in resource.keys)
        if test and not chosen:
            _tell_nobody(context, flag, selector, resources)
    return frozenset(keys)


def _test(context: Context, flag: str, selector: Selector) -> _Test | None:
    if selector.filter is None:
        name = fold(selector.name or "")
        return lambda resource: name in resource.names
    text, what = selector.filter.text, f"the filter of --{flag} {selector}"
    # What files state is read by RFC 7643's definitions first, what the directory returns by its own.
    stated = context.meaning(text, selector.kind, stated=True, what=what)
    found = context.meaning(text, selector.kind, stated=False, what=what)
    if stated is None or found is None:
        return None

    def test(resource: _Resource) -> bool:
        live: dict[str, Any] = resource.live.attributes if resource.live else {}
        if resource.pair is None:
            return found.matches(live)
        # Who is to be left alone is so by what he is as well: the change itself may take him out of the filter.
        as_found = flag == "exclude" and resource.live is not None and found.matches(live)
        return as_found or stated.matches(context.will_be(resource.pair.desired, resource.live))

    return test


def _tell_nobody(context: Context, flag: str, selector: Selector, resources: Iterable[_Resource]) -> None:
    """Report a name that nobody has, a slip of the pen; note a filter that finds nobody, which may be right."""
    if selector.name is None:
        message = f"--{flag} {selector} selects no {selector.kind.lower()}"
        context.findings.notes.append(Note(severity="warning", code="selects-nothing", message=message))
        return
    # By what stands before the @: addresses of one domain are all alike.
    known = {_head(name): name for one in resources if one.kind is selector.kind for name in sorted(one.names)}
    near = difflib.get_close_matches(_head(fold(selector.name)), sorted(known), n=1, cutoff=_NEAR)
    context.findings.problems.append(
        Diagnostic(
            code="selects-nothing",
            message=f"--{flag} {selector}: neither the files nor the directory know this {selector.kind.lower()}",
            hint=f"did you mean {selector.kind.address(known[near[0]])}?" if near else None,
            text=selector.text,
        )
    )


def _head(name: str) -> str:
    return name.partition("@")[0]

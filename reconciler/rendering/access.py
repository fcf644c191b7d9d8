"""What access a plan really changes, in words: how many people gain and lose what, and by what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.equality import fold
from reconciler.model import Kind
from reconciler.planning.effect import AccessChange, GroupEffect, UserEffect
from reconciler.planning.plan import Action, Edge, Plan, Step
from reconciler.rendering.escape import abbreviated, label
from reconciler.rendering.style import Style
from reconciler.rendering.words import cause_of_access, concerns, counted

GROUPS_SHOWN: Final = 20
"""Groups that are shown before they are folded."""
NAMES_SHOWN: Final = 5
"""People that are named in a line before they are folded."""
NOBODY_KNOWN: Final = "nobody's changes, as far as it is known"
"""What is said where the headline is empty."""
_CAUSES_SHOWN: Final = 3
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessNumbers:
    """How many people a plan gives access to groups, and takes it from. Nobody is counted twice.

    Attributes:
        gain: who gains access to some group and loses none.
        lose: who loses access to some group and gains none.
        both: who gains one and loses another.
        leave: of those who only lose: who does so with the account, which is deactivated or deleted.
        last: who keeps a working account and is left without any group, see :func:`left_without_group`.
        uncertain: who keeps a working account and loses access where it is not known whether any is left.
    """

    gain: int
    lose: int
    both: int
    leave: int
    last: int
    uncertain: int

    @property
    def people(self) -> int:
        """How many people's access changes."""
        return self.gain + self.lose + self.both


def access_numbers(plan: Plan) -> AccessNumbers:
    """Return how many people's access a plan changes, and how."""
    effect, (staying, leaving) = plan.effect, _by_account(plan)
    # A name may be handed on: of two who have it, it is not known which one a group means.
    leavers = {user.name for user in leaving} - {user.name for user in staying}
    gained = {name for group in effect.groups for name in _names(group.gained)}
    lost = {name for group in effect.groups for name in _names(group.lost)}
    known = {user.name for user in effect.users if user.before is not None and user.after is not None}
    return AccessNumbers(
        gain=len(gained - lost),
        lose=len(lost - gained),
        both=len(gained & lost),
        leave=len((lost - gained) & leavers),
        last=len(left_without_group(plan)),
        uncertain=len(lost - known - leavers),
    )


def left_without_group(plan: Plan) -> tuple[UserEffect, ...]:
    """Return who keeps a working account, had access to some group and has to none afterwards.

    Whoever is deactivated or deleted is meant to lose all, and is not among them. Every rendering counts these alone.
    """
    staying, _ = _by_account(plan)
    return tuple(user for user in staying if user.loses_last_group)


def _by_account(plan: Plan) -> tuple[list[UserEffect], list[UserEffect]]:
    """Return whose access changes: those who keep the account, and those whose account is deactivated or deleted."""
    gone = [step for step in plan.steps if step.kind is Kind.USER and step.action in (Action.DEACTIVATE, Action.DELETE)]
    ids, names = {step.resource_id for step in gone}, {fold(step.name) for step in gone}
    staying: list[UserEffect] = []
    leaving: list[UserEffect] = []
    for user in plan.effect.users:
        goes = fold(user.name) in names if user.id is None else user.id in ids
        (leaving if goes else staying).append(user)
    return staying, leaving


def access_headline(plan: Plan) -> str:
    """Return whose access a plan changes, in one line; nothing where it changes nobody's as far as it is known.

    ``214 people change: 2 gain, 212 lose (5 with the account); 3 keep a working account and are left without any
    group``. Where it is not known who is in some group that changes as a whole, these are ``at least 214 people``.
    """
    numbers = access_numbers(plan)
    leaving = f" ({numbers.leave:,} with the account)" if numbers.leave else ""
    lose = f"{_verb(numbers.lose, 'lose')}{leaving}"
    parts = (_verb(numbers.gain, "gain"), lose, _verb(numbers.both, "gain", "lose"))
    people = "1 person changes" if numbers.people == 1 else f"{numbers.people:,} people change"
    people = f"at least {people}" if plan.effect.unknown else people
    told = [f"{people}: {', '.join(filter(None, parts))}"] if numbers.people else []
    if numbers.last:
        told.append(f"{_verb(numbers.last, 'keep')} a working account and {_are(numbers.last)} left without any group")
    if numbers.uncertain:
        of_them = f"{numbers.uncertain:,} of them {_are(numbers.uncertain)}"
        told.append(f"whether {of_them} left without any group is not known")
    return "; ".join(told)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _verb(number: int, *verbs: str) -> str:
    """Return what so many people do; nothing of nobody."""
    words = " and ".join(f"{verb}s" if number == 1 else verb for verb in verbs)
    return f"{number:,} {words}" if number else ""


def access_lines(plan: Plan, style: Style, *, by_group: bool = True) -> Iterator[str]:
    """Yield what access the plan really changes; one line where the memberships of the steps say it all.

    Args:
        plan: the plan document.
        style: how it is written; all groups and all people where it is full, otherwise what the steps do not show, and
            20 groups and 5 people of each.
        by_group: whether each group is told; the numbers alone otherwise.
    """
    effect, palette = plan.effect, style.palette
    headline = access_headline(plan)
    if not (headline or effect.groups or effect.unknown):
        return
    yield f"{palette.paint(palette.strong, 'Access:')} {headline or NOBODY_KNOWN}"
    if by_group:
        telling = Telling(plan, style)
        yield from telling.groups()
    if effect.unknown:
        names = _listed(effect.unknown, len(effect.unknown) if style.full else NAMES_SHOWN)
        yield f"  {palette.paint(palette.change, '?')} not everybody is known who is in {names}"
    yield ""


class Telling:
    """Tells the effect of one plan, group by group."""

    def __init__(self, plan: Plan, style: Style) -> None:
        self._effect = plan.effect
        self._style = style
        self._steps: Mapping[str, Step] = {step.id: step for step in plan.steps}
        self._named: dict[str, frozenset[str]] = {}
        self._nested: dict[str, tuple[Edge, ...]] = {}
        self._unknown = frozenset(plan.effect.unknown)
        self._last = {user.name for user in left_without_group(plan)}

    def groups(self) -> Iterator[str]:
        """Yield the groups, the largest loss first, and how many are not shown."""
        full, palette = self._style.full, self._style.palette
        ordered = self.ordered()
        telling = ordered if full else [group for group in ordered if self.says_more(group)]
        shown = telling if full else telling[:GROUPS_SHOWN]
        for group in shown:
            yield from self.lines(group)
        if len(shown) < len(telling):
            yield palette.paint(
                palette.dim, f"  … {counted(len(telling) - len(shown), 'more group')} (--full shows all)"
            )
        if telling and len(telling) < len(ordered):
            rest = counted(len(ordered) - len(telling), "more group")
            yield palette.paint(palette.dim, f"  … {rest}, as the memberships above say (--full shows all)")

    def ordered(self) -> list[GroupEffect]:
        """Return the groups, the largest loss first."""
        return sorted(self._effect.groups, key=lambda one: (-_people(one.lost), -_people(one.gained), one.name))

    def says_more(self, group: GroupEffect) -> bool:
        """Tell whether the effect on a group says more than the memberships that steps add to it and remove from it."""
        changes = (*group.gained, *group.lost)
        return any(not self._shown(change, group) for change in changes) or any(
            not self._last.isdisjoint(change.users) for change in group.lost
        )

    def lines(self, group: GroupEffect) -> Iterator[str]:
        """Yield what a plan changes of the access to one group: the numbers, and who it is where no step names them."""
        palette = self._style.palette
        symbol = "~" if group.gained and group.lost else "-" if group.lost else "+"
        name = palette.paint(palette.strong, label(abbreviated(group.name, 2 * _LONGEST_NAME)))
        yield f"  {palette.paint(palette.of(symbol), symbol)} {name}: {self.numbers(group)}"
        yield from self.people(group)

    def people(self, group: GroupEffect) -> Iterator[str]:
        """Yield who gains and loses a group; nobody where the style is not full and steps name them all."""
        style, palette = self._style, self._style.palette
        for sign, changes in (("-", group.lost), ("+", group.gained)):
            painted = palette.paint(palette.of(sign), sign)
            if style.full:
                for cause, names in self._by_cause(group, changes).items():
                    yield f"      {painted} {cause}: {_listed(names, len(names))}"
            elif unshown := _names(change for change in changes if not self._shown(change, group)):
                # Everybody who is counted is named or counted here. Where names are folded, whoever is left without
                # any group is seen, and then whom no step names.
                ranked = sorted((name not in self._last, name not in unshown, name) for name in _names(changes))
                yield f"      {painted} {_listed([name for _, _, name in ranked], NAMES_SHOWN)}"

    def numbers(self, group: GroupEffect) -> str:
        """Return how many people gain and lose a group, by what, and how many have it before and after."""
        return "; ".join(self._parts(group))

    def step(self, change: AccessChange) -> Step | None:
        """Return the step that changes somebody's access; ``None`` where the plan has none of that id."""
        return self._steps.get(change.step)

    def nested_group(self, step: Step, change: AccessChange) -> Edge | None:
        """Return the edge of the group that a step puts in or takes out, and through which the access comes."""
        if not change.via:
            return None
        nested = self._nested.get(step.id)
        if nested is None:
            # Looked for once: thousands may come through a group that stands among thousands of members.
            nested = self._nested[step.id] = tuple(edge for edge in step.members if edge.kind is Kind.GROUP)
        return next((edge for edge in nested if edge.name in change.via), None)

    def _parts(self, group: GroupEffect) -> Iterator[str]:
        least = "at least " if group.name in self._unknown else ""
        if group.lost:
            number, last = _people(group.lost), len(self._last & _names(group.lost))
            some = f", {last:,} of them" if last < number else " and"
            ending = f"{some} {_are(last)} left without any group" if last else ""
            yield f"{least}{_verb(number, 'lose')} it ({self._causes(group, group.lost)}){ending}"
        if group.gained:
            yield f"{least}{_verb(_people(group.gained), 'gain')} it ({self._causes(group, group.gained)})"
        if group.before is not None and group.after is not None:
            yield f"{group.before:,} → {group.after:,} {'person' if group.after == 1 else 'people'}"

    def _causes(self, group: GroupEffect, changes: Iterable[AccessChange]) -> str:
        causes = self._by_cause(group, changes)
        if len(causes) == 1:
            return next(iter(causes))
        ordered = sorted(causes.items(), key=lambda cause: (-len(cause[1]), cause[0]))
        words = [f"{len(names):,} {cause}" for cause, names in ordered[:_CAUSES_SHOWN]]
        if len(ordered) > _CAUSES_SHOWN:
            words.append(f"{sum(len(names) for _, names in ordered[_CAUSES_SHOWN:]):,} otherwise")
        return ", ".join(words)

    def _by_cause(self, group: GroupEffect, changes: Iterable[AccessChange]) -> dict[str, list[str]]:
        """Return who gains or loses a group by each cause; whoever does by several is named at the first alone."""
        causes: dict[str, list[str]] = {}
        told: set[str] = set()
        for change in changes:
            names = causes.setdefault(self.cause(group, change), [])
            names += [name for name in change.users if name not in told]
            told.update(change.users)
        return {cause: sorted(names) for cause, names in causes.items() if names}

    def cause(self, group: GroupEffect, change: AccessChange) -> str:
        """Return by what people gain or lose access to a group."""
        return cause_of_access(self.step(change), group, change)

    def _shown(self, change: AccessChange, group: GroupEffect) -> bool:
        """Tell whether the step that does it names everybody, as members of that very group."""
        step = self.step(change)
        if step is None or not step.members or not concerns(step, group):
            return False
        named = self._named.get(step.id)
        if named is None:
            named = frozenset(edge.name for edge in step.members if edge.kind is Kind.USER)
            self._named[step.id] = named
        return named.issuperset(change.users)


def _names(changes: Iterable[AccessChange]) -> set[str]:
    return {name for change in changes for name in change.users}


def _people(changes: Iterable[AccessChange]) -> int:
    return len(_names(changes))


def _listed(names: Sequence[str], number: int) -> str:
    """Return names in one line, so many of them, and how many more there are."""
    return listed([label(abbreviated(name, _LONGEST_NAME)) for name in names[:number]], len(names))


def listed(shown: Collection[str], number: int) -> str:
    """Return safe texts in one line, and how many more there are of ``number``: ``a, b and 12 more``."""
    more = number - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")

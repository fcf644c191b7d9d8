"""The steps of a plan by person or by group, in place of the order in which they are applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from reconciler.model import Kind
from reconciler.planning.effect import GroupEffect
from reconciler.planning.plan import Plan, Step
from reconciler.planning.vocabulary import MEMBERSHIP_ACTIONS
from reconciler.rendering.access import Telling
from reconciler.rendering.people import Person, people
from reconciler.rendering.person_groups import group_key, group_lines
from reconciler.rendering.steps import block, by_resource, headline, spaced, step_lines, step_of_one, tally
from reconciler.rendering.style import Style

GroupBy: TypeAlias = Literal["kind", "user", "group"]
"""How steps may stand: in the order of the plan, by the kind of change; by person; by group."""

_OTHERS_SHOWN: Final = 20


def grouped_lines(plan: Plan, style: Style, by: GroupBy) -> Iterator[str]:
    """Yield every step of a plan, each of them once."""
    if by == "user":
        yield from _by_user(plan, style)
    elif by == "group":
        yield from _by_group(plan, style)
    else:
        yield from step_lines(plan.steps, style)


def _by_user(plan: Plan, style: Style) -> Iterator[str]:
    """Yield what concerns each person, and then what is done to groups and to groups inside of groups."""
    concerned = [person for person in people(plan) if person.changes]
    if concerned:
        steps_of_users, of_people = _parts(plan.steps, Kind.USER)
        title = "Person" if len(concerned) == 1 else "People"
        amounts = _amounts(tally((*steps_of_users, *of_people)))
        yield style.palette.paint(style.palette.strong, f"{title}: {len(concerned):,}{amounts}")
        yield ""
        telling = Telling(plan, style)
        shown = concerned if style.full else list(_worth_a_block(concerned))
        yield from spaced(_person_block(person, telling, style) for person in shown)
        if len(shown) < len(concerned):
            more = f"  … {len(concerned) - len(shown):,} more whose access alone changes, told below (--full shows all)"
            yield from ("", style.palette.paint(style.palette.dim, more))
        yield ""
    steps_of_groups, of_groups = _parts(plan.steps, Kind.GROUP)
    rest = {step.id: step for step in (*steps_of_groups, *of_groups)}
    yield from step_lines([rest[step.id] for step in plan.steps if step.id in rest], style)


def _worth_a_block(concerned: Sequence[Person]) -> Iterator[Person]:
    """Yield whom steps are about, and the first of those whose access changes with groups and accounts alone."""
    others = 0
    for person in concerned:
        own = bool(person.steps or person.memberships)
        others += not own
        if own or others <= _OTHERS_SHOWN:
            yield person


def _parts(steps: Sequence[Step], kind: Kind) -> tuple[list[Step], list[Step]]:
    """Return the steps that change users, or groups, themselves, and those that change who of them is in a group.

    A step that adds people and groups to a group is in both halves of the plan, with the members of each.
    """
    own = [step for step in steps if step.kind is kind and step.action not in MEMBERSHIP_ACTIONS]
    memberships = [
        step
        if len(chosen) == len(step.members)
        else msgspec.structs.replace(step, members=tuple(edge for edge in step.members if edge.kind is kind))
        for step in steps
        if step.action in MEMBERSHIP_ACTIONS and (chosen := [edge for edge in step.members if edge.kind is kind])
    ]
    return own, memberships


def _amounts(text: str) -> str:
    return f"; {text}" if text else ""


def _person_block(person: Person, telling: Telling, style: Style) -> list[str]:
    account = [line for step in person.steps for line in step_of_one(step, style)]
    return [*(account or [headline("~", person.name, "", style)]), *group_lines(person, telling, style)]


def _by_group(plan: Plan, style: Style) -> Iterator[str]:
    """Yield what concerns each group, with the access that changes without a membership, and then the accounts."""
    palette, telling = style.palette, Telling(plan, style)
    steps = [step for step in plan.steps if step.kind is Kind.GROUP]
    effects = {group_key(group.id, group.name): group for group in plan.effect.groups}
    blocks = []
    for own in by_resource(steps):
        effect = effects.pop(group_key(own[0].resource_id, own[0].name), None)
        blocks.append([*block(own, style), *_access(effect, telling)])
    blocks += [[headline("~", one.name, "", style), *_access(one, telling)] for one in effects.values()]
    if blocks:
        title = "Group" if len(blocks) == 1 else "Groups"
        yield palette.paint(palette.strong, f"{title}: {len(blocks):,}{_amounts(tally(steps))}")
        yield ""
        yield from spaced(blocks)
        yield ""
    yield from step_lines([step for step in plan.steps if step.kind is Kind.USER], style)


def _access(effect: GroupEffect | None, telling: Telling) -> list[str]:
    """Return the access to one group where it is not just what the memberships above say."""
    if effect is None or not telling.says_more(effect):
        return []
    return [f"      access: {telling.numbers(effect)}", *(f"  {line}" for line in telling.people(effect))]

"""Plans that no planner would make: any value in every field, and text that tries to be something else in every string.

The fields are walked by their types: whatever a plan holds one day is among it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from random import Random
from typing import Any, Final

from hypothesis import strategies as st
from msgspec import inspect

from foreign_plans import ATTACKS, EVERY_PLANE, HOSTILE
from reconciler.planning import Plan

LINE_ENDS: Final = "one\ntwo\rthree\vfour\ffive\x1csix\x1dseven\x1eeight\x85nine\u2028ten\u2029::error::owned"
"""Everything that ends a line for some program, and for ``str.splitlines``."""

_ATTACKS: Final = (*ATTACKS, HOSTILE, EVERY_PLANE, LINE_ENDS)
_FORMS: Final = ("user:", "group:", "update user:", "add_members group:", "users.delete", "--allow ", "needs “")
"""How texts begin in some fields, so that what reads these goes on reading."""
_MOMENTS: Final = ("2026-11-22T00:00:00Z", "2026-11-29T06:05:00Z")
_LAST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)


SEEDS: Final = st.integers(0, 2**32 - 1)
"""What draws the number of a plan: a plan is too large to be drawn choice by choice."""


def any_plan(seed: int) -> Plan:
    """Return the plan of a number."""
    return _Making(Random(seed)).plan()  # noqa: S311  no secret


class _Making:
    """Makes one plan. It has a few texts alone, so that names, ids and steps often mean each other."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._texts = [self._text() for _ in range(random.randint(2, 4))]

    def plan(self) -> Plan:
        made: Plan = self._any(inspect.type_info(Plan))
        return made

    def _text(self) -> str:
        random = self._random
        match random.randrange(6):
            case 0:
                points = (random.randint(0, random.choice((0x7F, 0x2FFF, _LAST))) for _ in range(random.randrange(40)))
                return "".join(chr(point) for point in points if point not in _SURROGATES)
            case 1:
                return random.choice(_FORMS) + random.choice(_ATTACKS)
            case 2:
                return random.choice(_MOMENTS)
        return random.choice(_ATTACKS)

    def _json(self, depth: int) -> Any:
        random = self._random
        match random.randrange(3 if depth else 5):
            case 0:
                return random.choice((None, True, False, 0, -1, 2**53, 0.5))
            case 3:
                return [self._json(depth + 1) for _ in range(random.randrange(3))]
            case 4:
                return {random.choice(self._texts): self._json(depth + 1) for _ in range(random.randrange(3))}
        return random.choice(self._texts)

    @cached_property
    def _simple(self) -> Mapping[type[inspect.Type], Callable[[], Any]]:
        random = self._random
        return {
            inspect.StrType: lambda: random.choice(self._texts),
            inspect.BoolType: lambda: random.random() < 0.5,
            inspect.IntType: lambda: random.choice((0, 1, 2, 12, 1_200, 2**53)),
            inspect.NoneType: lambda: None,
            inspect.AnyType: lambda: self._json(0),
        }

    def _any(self, info: inspect.Type) -> Any:
        random = self._random
        match info:
            case inspect.StructType(cls=cls, fields=fields):
                chosen = [field for field in fields if field.required or random.random() < 0.7]
                return cls(**{field.name: self._any(field.type) for field in chosen})
            case inspect.VarTupleType(item_type=item):
                return tuple(self._any(item) for _ in range(random.randrange(4)))
            case inspect.DictType(value_type=value):
                return {random.choice(self._texts): self._any(value) for _ in range(random.randrange(3))}
            case inspect.UnionType(types=types):
                return self._any(random.choice(types))
            case inspect.EnumType() | inspect.LiteralType():
                return random.choice(list(info.cls) if isinstance(info, inspect.EnumType) else info.values)
        return self._simple[type(info)]()

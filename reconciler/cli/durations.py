"""Lengths of time behind options."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from reconciler.durations import DurationError, parse_duration

if TYPE_CHECKING:
    _OfDurations: TypeAlias = click.ParamType[timedelta]
else:
    # Older versions of click cannot say of what it is a type.
    _OfDurations = click.ParamType


class DurationType(_OfDurations):
    """A length of time: ``30s``, ``90m``, ``12h``, ``7d``, ``2w``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length of time.

        Raises:
            BadParameter: it is none.
        """
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(value)
        except DurationError as error:
            self.fail(f"{error}.", param, ctx)

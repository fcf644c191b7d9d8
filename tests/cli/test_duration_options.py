"""Lengths of time behind options."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest
from click.testing import CliRunner

from reconciler.cli.durations import DurationType


def waited(*arguments: str) -> tuple[timedelta | None, str]:
    """Return how long a command with this option would wait, and what it says."""
    found: list[timedelta] = []

    @click.command("wait")
    @click.option("--timeout", type=DurationType(), default=timedelta(0))
    def command(timeout: timedelta) -> None:
        found.append(timeout)

    done = CliRunner().invoke(command, arguments)
    return (found[0] if found else None), done.output


def test_a_length_of_time_is_read() -> None:
    assert waited("--timeout", "10m") == (timedelta(minutes=10), "")


def test_a_default_is_taken_as_it_is() -> None:
    assert waited() == (timedelta(0), "")


@pytest.mark.parametrize(
    ("text", "told"), [("", "is not a length of time"), ("10", "write 10d for days"), ("1y", "7d")]
)
def test_what_is_no_length_of_time_is_refused(text: str, told: str) -> None:
    found, output = waited("--timeout", text)
    assert found is None
    assert told in output

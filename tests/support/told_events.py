"""What a command has told as JSON Lines, checked line by line against the published schema."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import jsonschema_rs

from reconciler.rendering.events import StepCounts, events_schema

Line: TypeAlias = dict[str, Any]

ENDS = ("step_applied", "step_failed", "step_skipped")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@cache
def _validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(events_schema())


def read_lines(text: str) -> list[Line]:
    """Return the lines that were told so far, each of which is whole, harmless, and as the schema says."""
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert text == "" or text.endswith("\n")
    lines: list[Line] = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        _validator().validate(line)
        assert line["message"].isprintable()
        assert _TIME.fullmatch(line["time"])
    if lines:
        assert lines[0]["type"] == "version"
    assert [line["type"] for line in lines[1:]].count("version") == 0
    return lines


@dataclass(frozen=True)
class Stream:
    """A stream that has come to its end."""

    lines: list[Line]

    def of(self, *types: str) -> list[Line]:
        """The lines of some types, in order."""
        return [line for line in self.lines if line["type"] in types]

    @property
    def types(self) -> list[str]:
        """The types in their order, those of neighbours that are alike once."""
        types = [line["type"] for line in self.lines]
        return [one for one, before in zip(types, [None, *types], strict=False) if one != before]

    @property
    def summary(self) -> Line:
        return self.lines[-1]

    @property
    def errors(self) -> list[Line]:
        return [line for line in self.of("diagnostic") if line["severity"] == "error"]

    def statuses(self) -> dict[str, str]:
        """How each step ended, by its id."""
        return {line["step"]: line["status"] for line in self.of(*ENDS)}


def read_stream(text: str, code: int) -> Stream:
    """Return the stream of a command that ended with an exit code, whose last line agrees with the others."""
    stream = Stream(read_lines(text))
    summary = stream.summary
    assert [line["type"] for line in stream.lines].count("summary") == 1
    assert (summary["type"], summary["exit_code"]) == ("summary", code)
    assert summary["errors"] == len(stream.errors)
    assert summary["warnings"] == sum(line["severity"] == "warning" for line in stream.of("diagnostic"))
    ends = Counter(line["status"] for line in stream.of(*ENDS))
    counts = summary.get("counts") or dict.fromkeys(StepCounts.__struct_fields__, 0)
    assert counts == {status: ends[status] for status in StepCounts.__struct_fields__}
    planned = [line["step"] for line in stream.of("planned_step")]
    assert len(set(planned)) == len(planned)
    if "plan" in summary:
        assert summary["plan"]["steps"] == len(planned)
        assert summary["plan"].get("refusals", 0) == sum(not line["passed"] for line in stream.of("guard"))
    assert summary["changes"] == bool(planned)
    if stream.errors and code in (1, 64):
        assert stream.errors[-1]["message"] in summary["message"]
    _check_order(stream, planned)
    return stream


def _check_order(stream: Stream, planned: list[str]) -> None:
    """What is told of a step comes in its order: planned, started, ended, each once."""
    order = {"planned_step": 0, "step_started": 1} | dict.fromkeys(ENDS, 2)
    seen: dict[str, int] = {}
    for line in stream.of(*order):
        step, place = line["step"], order[line["type"]]
        assert step in planned
        assert seen.get(step, -1) < place, f"{step}: {line['type']}"
        seen[step] = place
    times = [line["time"] for line in stream.lines]
    assert times == sorted(times)


def assert_ended(stream: Stream) -> None:
    """Check that every step of the plan came to one end."""
    assert sorted(stream.statuses()) == sorted(line["step"] for line in stream.of("planned_step"))

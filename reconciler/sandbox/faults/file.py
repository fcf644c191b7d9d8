"""The YAML file of faults -> rules, read as strictly as the files of a workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from reconciler.desired.problems import Problems
from reconciler.desired.schema import SchemaCheck, compile_schema
from reconciler.desired.suggestions import Suggester
from reconciler.desired.yaml_reader import read_yaml
from reconciler.diagnostics import DiagnosticsError, has_errors
from reconciler.model import Origin
from reconciler.sandbox.errors import SandboxError
from reconciler.sandbox.faults.listings import (
    IgnoredParameters,
    OverlappingPages,
    ShiftingPages,
    ShortPages,
    WrongTotal,
)
from reconciler.sandbox.faults.memory import StaleReads, TruncatedMembers
from reconciler.sandbox.faults.rate import Rate
from reconciler.sandbox.faults.replies import NothingChanges, Reply, Reset, Throttle
from reconciler.sandbox.faults.rules import Fault, FaultRule, Requests, When, fault_name
from reconciler.sandbox.faults.wire import (
    ContentType,
    LowerCaseResources,
    NoBody,
    NoScimType,
    Slow,
    Strings,
    Truncated,
)

KINDS: Final[tuple[type[Fault], ...]] = (
    Rate,
    Throttle,
    Reply,
    Reset,
    NothingChanges,
    Slow,
    Truncated,
    ContentType,
    NoBody,
    NoScimType,
    Strings,
    LowerCaseResources,
    WrongTotal,
    ShortPages,
    OverlappingPages,
    ShiftingPages,
    IgnoredParameters,
    StaleReads,
    TruncatedMembers,
)
"""Every kind of fault, in the order of the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What a file of faults says.

    Attributes:
        rules: in the order of the file; the first is the one nearest to the client.
        seed: what their probabilities are drawn from.
    """

    rules: tuple[FaultRule, ...] = ()
    seed: int = 0


def faults_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file of faults."""
    file = resources.files("reconciler.sandbox.faults") / "faults.schema.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def read_faults(path: Path) -> Faults:
    """Read a file of faults.

    Raises:
        SandboxError: the file cannot be read.
        DiagnosticsError: something is wrong in it; it holds every problem with its place.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SandboxError(f"{path}: {error.strerror or error}") from error
    problems = Problems()
    document = read_yaml(data, str(path), problems)
    if document is not None:
        check = SchemaCheck(compile_schema(faults_schema()), "the file", Suggester())
        if not check.accepts(document.value):
            check.explain(document.value, document, problems)
    if document is None or has_errors(problems.found):
        raise DiagnosticsError(problems.found)
    stated = document.value
    try:
        return Faults(rules=tuple(_rule(rule) for rule in stated["rules"]), seed=stated.get("seed", 0))
    except msgspec.ValidationError as error:
        # The schema is stricter than the types; should they ever disagree, this is still not a traceback.
        problems.error("faults", str(error), Origin(str(path), 1, 1))
        raise DiagnosticsError(problems.found) from error


def _rule(stated: Mapping[str, Any]) -> FaultRule:
    kinds = {fault_name(kind): kind for kind in KINDS}
    ((name, content),) = stated["fault"].items()
    return FaultRule(
        fault=msgspec.convert(content, kinds[name]),
        requests=msgspec.convert(stated.get("requests", {}), Requests),
        when=msgspec.convert(stated.get("when", {}), When),
        name=stated.get("name", ""),
    )

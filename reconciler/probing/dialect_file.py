"""What a probe has found out, as a dialect file of the workspace (docs/dialects.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from reconciler.capabilities import AttributeRule, Statement, capability_names
from reconciler.config import DirectoryConfig
from reconciler.desired.own_dialects import read_own_dialect
from reconciler.desired.problems import Problems
from reconciler.desired.schema import SchemaChecks
from reconciler.desired.suggestions import Suggester
from reconciler.desired.yaml_reader import read_yaml
from reconciler.diagnostics import DiagnosticsError, has_errors
from reconciler.importing.yaml_text import flow_text
from reconciler.probing.probe import Probe
from reconciler.scim.dialects import DIALECT_SUFFIX, GENERIC
from reconciler.scim.errors import printable

_LONGEST_SOURCE: Final = 400  # characters
_HEAD: Final = """\
# yaml-language-server: $schema=.schemas/dialect.schema.json
# Found out by `reconciler doctor --probe`. What is not here could not be determined: then the server is asked, or the
# safe default holds. Correct what you know better, and name its source.
"""


def dialect_text(config: DirectoryConfig, probe: Probe, today: date) -> str:
    """Return the text of the dialect file that states what was seen, each line with it as its source.

    It extends the dialect of the package that ``directory.yaml`` names. It holds neither a token nor anything of a
    person: what the server said is in it as statuses and counts alone.

    Args:
        config: what ``directory.yaml`` says.
        probe: what was found.
        today: the day that the sources name.

    Raises:
        DiagnosticsError: what was found does not make a dialect, which is a bug.
    """
    base = GENERIC if config.own_dialect is not None else config.dialect
    name = printable(config.name, 100)
    lines = [f"description: {flow_text(f'{name}, as probed on {today}.')}", f"extends: {flow_text(base)}"]
    stated = list(_statements(config, probe, f"probed {today}"))
    lines.append("capabilities:" if stated else "capabilities: {}")
    lines += stated
    text = _HEAD + "\n".join(lines) + "\n"
    _check(text)
    return text


def _check(text: str) -> None:
    """Load the text as a dialect file of a workspace is loaded."""
    problems, suggester = Problems(), Suggester()
    document = read_yaml(text.encode(), f"probed{DIALECT_SUFFIX}", problems)
    if document is not None:
        read_own_dialect(document, SchemaChecks(suggester), problems)
    if has_errors(problems.found):
        raise DiagnosticsError(problems.found)


def _statements(config: DirectoryConfig, probe: Probe, when: str) -> Iterator[str]:
    found: dict[str, tuple[Any, str]] = dict(probe.states)
    rules = _rules(config.own_dialect.capabilities if config.own_dialect else {}, probe.rules)
    if rules:
        found["attributes"] = (rules, "; ".join(dict.fromkeys(probe.rules.values())))
    for name in capability_names():
        if name not in found:
            continue
        value, seen = found[name]
        source = printable(f"{when}: {seen}", _LONGEST_SOURCE)
        yield f"  {name}:"
        if name == "attributes":
            yield "    value:"
            yield from (f"      - {flow_text(rule)}" for rule in value)
        else:
            yield f"    value: {flow_text(msgspec.to_builtins(value))}"
        yield f"    source: {flow_text(source)}"


def _rules(before: Mapping[str, Statement], found: Iterable[AttributeRule]) -> list[dict[str, Any]]:
    """Return the rules that were found, and those of an own dialect for other attributes: a list is stated whole."""
    rules = {rule.path: rule for rule in (before["attributes"].value if "attributes" in before else ())}
    for rule in found:
        old = rules.get(rule.path)
        rules[rule.path] = rule if old is None else _joined(old, rule)
    return [
        {name: value for name, value in msgspec.to_builtins(rule).items() if value is not None}
        for rule in rules.values()
    ]


def _joined(old: AttributeRule, new: AttributeRule) -> AttributeRule:
    return AttributeRule(
        path=old.path,
        case_exact=old.case_exact if new.case_exact is None else new.case_exact,
        mutability=new.mutability or old.mutability,
        returned=new.returned or old.returned,
    )

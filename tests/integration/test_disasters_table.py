"""docs/safety.md and its tests belong together: every row is a test, and every test is a row."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from disasters import APPLY, PAGE, Case, people, rows, user

HOLDING = {"stops", "stopped", "hold_to_row"}
"""What holds that which happened to the row of the test."""


def disasters() -> dict[str, ast.FunctionDef]:
    """Return the tests of disasters by name."""
    here = Path(__file__)
    found: dict[str, ast.FunctionDef] = {}
    for path in here.parent.glob("test_disasters_*.py"):
        if path != here:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            named = (node for node in tree.body if isinstance(node, ast.FunctionDef))
            found |= {node.name: node for node in named if node.name.startswith("test_")}
    return found


def calls(test: ast.FunctionDef) -> set[str]:
    return {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}


def test_every_row_is_a_test_and_every_test_is_a_row() -> None:
    named = Counter(row.test for row in rows())
    assert named == Counter(disasters().keys())
    assert len(named) >= 100


def test_every_row_of_a_table_is_read() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(lines) == len(rows()) + sum(line.startswith("| what goes wrong |") for line in lines)


def test_every_test_holds_what_happened_to_its_row() -> None:
    assert [name for name, test in disasters().items() if not calls(test) & HOLDING] == []


def test_every_row_says_all_that_it_has_to_say() -> None:
    for row in rows():
        assert row.what, row
        assert row.stop, row
        assert all(parts for parts in row.words), row
        assert row.words, row


def test_writes_are_told_where_there_are_any_and_only_there() -> None:
    """A row tells how many writes there were before the stop, and its test counts as many."""
    tests = disasters()
    for row in rows():
        counted = re.search(r"writes=(\d+)", ast.unparse(tests[row.test]))
        told = re.search(r"(\d+)(?: of \d+)? writes", row.what)
        assert (counted and counted[1]) == (told and told[1]), row


def test_nothing_goes_wrong(case: Case) -> None:
    """What the others stop is stopped for what goes wrong there, and not because nothing works."""
    case.state(users=[user(0, title="Principal"), *people()[1:]])
    assert case.run(*APPLY).last_line.startswith("Applied: 1 applied, 0 differ, 0 failed")
    assert case.written == 1

"""What a SCIM filter is made of, and how it is read (RFC 7644 §3.4.2.2). What it means is :mod:`reconciler.filters`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.attributes import Path
from reconciler.diagnostics import ReconcilerError

Literal: TypeAlias = str | int | float | bool | None
"""What a filter can compare with."""


class FilterError(ReconcilerError):
    """A filter that cannot be read, or that compares an attribute in a way that its type does not allow.

    RFC 7644 answers both with 400 and scimType ``invalidFilter``.

    Attributes:
        text: the filter as written.
        detail: what is wrong with it, as a clause.
        column: where reading stopped, counted from 1; ``None`` where no single place is to blame.
    """

    def __init__(self, text: str, detail: str, column: int | None = None) -> None:
        self.text = text
        self.detail = detail
        self.column = column
        place = f" at column {column}" if column is not None else ""
        super().__init__(f"not a usable SCIM filter: {text!r}{place}: {detail}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """``userName eq "ada"``. ``operator`` is lower case."""

    path: Path
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Present:
    """``title pr``."""

    path: Path


@dataclass(frozen=True, slots=True)
class Not:
    """``not (…)``."""

    term: Node


@dataclass(frozen=True, slots=True)
class And:
    """Two or more terms joined by ``and``."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more terms joined by ``or``."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """``emails[type eq "work"]``: some single value of the attribute matches the whole term."""

    path: Path
    term: Node


Node: TypeAlias = Comparison | Present | Not | And | Or | Selection
"""What a filter is made of. At most 32 deep: the parser refuses more, so recursion over it is safe."""


def parse(text: str) -> Node:
    """Read a filter with the parser of scim2-models. The only place that knows that library.

    Raises:
        FilterError: the text does not follow the grammar, or nests more than 32 expressions.
    """
    # Imported late: it costs a third of a second, and most commands never meet a filter.
    from scim2_models import SCIMException, ScimFilter
    from scim2_models.path import expressions as syntax

    def path(read: syntax.AttrPath) -> Path:
        return Path(read.attr, urn=read.uri, sub=read.sub_attr)

    def node(read: syntax.FilterNode) -> Node:
        match read:
            case syntax.Comparison():
                return Comparison(path(read.attr_path), read.op.value, read.value)
            case syntax.Present():
                return Present(path(read.attr_path))
            case syntax.Not():
                return Not(node(read.expr))
            case syntax.LogicalExpr():
                terms = tuple(node(term) for term in read.terms)
                return And(terms) if read.op is syntax.LogicalOperator.and_ else Or(terms)
            case syntax.ValuePath():
                return Selection(path(read.attr_path), node(read.val_filter))
        raise AssertionError(read)

    try:
        return node(ScimFilter(text).ast)
    except SCIMException as error:
        raise _syntax_error(text, error) from None


_EXPECTED = (
    ("COMPARE_OP", "an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)"),
    ("STRING", 'a value ("text" in double quotes, a number, true, false or null)'),
    ("ATTR_PATH", "an attribute"),
    ("SUB_ATTR", "a sub-attribute"),
    ("_AND", "and, or, a closing bracket or the end"),
    ("_RPAR", "a closing bracket"),
    ("_RBRACKET", "a closing bracket"),
    ("_LPAR", "("),
)
"""The grammar's terminals in plain words. Where several are possible, the first one listed is what an author meant."""


def _syntax_error(text: str, error: Exception) -> FilterError:
    """Say what the parser stumbled over, from the facts that lark keeps on its errors."""
    cause = error.__cause__
    position: int | None = getattr(cause, "pos_in_stream", None)
    at_end = getattr(getattr(cause, "token", None), "type", None) == "$END"
    if at_end:
        position = len(text)
    if position is None:
        return FilterError(text, str(error))
    possible: set[str] = getattr(cause, "allowed", None) or getattr(cause, "expected", None) or set()
    words = (words for terminal, words in _EXPECTED if terminal in possible and not (at_end and terminal == "_AND"))
    found = "the end" if at_end else repr(text[position : position + 20])
    return FilterError(text, f"expected {next(words, 'something else')}, found {found}", position + 1)

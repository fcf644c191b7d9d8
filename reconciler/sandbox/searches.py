"""Which records a filter means (RFC 7644 §3.4.2.2), found by indexes where possible, and which filters are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from reconciler.attributes import ResourceSchema, fold
from reconciler.filter_syntax import And, Comparison, Node, Not, Or, Present, Selection
from reconciler.filters import Filter, FilterError, Predicate
from reconciler.model import Kind
from reconciler.sandbox.behaviour import Behaviour
from reconciler.sandbox.behaviour.definition import UnknownFilter
from reconciler.sandbox.errors import RequestRefusedError
from reconciler.sandbox.records import Index, Record
from reconciler.sandbox.representation import Representation

_KEPT = 16
_EDGES = {
    Kind.USER: ("groups", "groups.value"),
    Kind.GROUP: ("members", "members.value"),
}


class Searches:
    """Answers filters over the records of a directory. The caller holds the directory's lock.

    Args:
        records: of each kind, by id, in the order of their creation.
        indexes: of each kind, by the name of the attribute.
        behaviour: the rules.
        representation: gives the JSON that filters look at.
    """

    def __init__(
        self,
        records: Mapping[Kind, Mapping[str, Record]],
        indexes: Mapping[Kind, Mapping[str, Index]],
        behaviour: Behaviour,
        representation: Representation,
    ) -> None:
        self._records = records
        self._indexes = indexes
        self._behaviour = behaviour
        self._representation = representation
        self._found: dict[tuple[Kind, str], Sequence[Record]] = {}

    def forget(self) -> None:
        """Forget the answers: something in the directory has changed."""
        self._found.clear()

    def find(self, kind: Kind, text: str) -> Sequence[Record]:
        """Return the records that a filter matches, or all if it is empty, in the order of their creation.

        Raises:
            RequestRefusedError: ``invalidFilter``, where it cannot be read or the dialect refuses it.
        """
        key = (kind, text)
        found = self._found.get(key)
        if found is None:
            found = self._filter(kind, text) if text else list(self._records[kind].values())
            # A reader pages through the same answer; a writer makes it stale.
            while len(self._found) >= _KEPT:
                del self._found[next(iter(self._found))]
            self._found[key] = found
        return found

    def _filter(self, kind: Kind, text: str) -> Sequence[Record]:
        try:
            parsed = Filter.parse(text)
            if self._answers(kind, parsed.root):
                return self._matching(kind, parsed)
        except FilterError as error:
            raise RequestRefusedError(400, str(error), "invalidFilter") from error
        match self._behaviour.unknown_filter:
            case UnknownFilter.NOTHING:
                return []
            case UnknownFilter.EVERYTHING:
                return list(self._records[kind].values())
        names = " or ".join((self._behaviour.filters or {}).get(kind, ())) or "nothing"
        operators = ", ".join(self._behaviour.filter_operators or ("any",))
        raise RequestRefusedError(400, f"a filter can be on {names}, with: {operators}", "invalidFilter")

    def _answers(self, kind: Kind, root: Node) -> bool:
        """Tell whether the dialect answers a filter at all."""
        operators, combinations = self._behaviour.filter_operators, self._behaviour.filter_combinations
        if operators is not None and not _operators(root) <= set(operators):
            return False
        if combinations is None:
            return True
        prefix = f"{fold(kind.schema)}:"
        return frozenset(fold(name).removeprefix(prefix) for name in _names(root)) in combinations.get(kind, ())

    def _matching(self, kind: Kind, parsed: Filter) -> Sequence[Record]:
        terms = parsed.root.terms if isinstance(parsed.root, And) else (parsed.root,)
        looked_up = [(term, self._look_up(kind, term)) for term in terms]
        by_index = sorted((found for _, found in looked_up if found is not None), key=len)
        rest = tuple(term for term, found in looked_up if found is None)
        matches = self._predicate(kind, parsed.text, rest) if rest else None
        if not by_index:
            candidates: Sequence[Record] = list(self._records[kind].values())
        else:
            candidates = by_index[0]
            for others in by_index[1:]:
                ids = {record.id for record in others}
                candidates = [record for record in candidates if record.id in ids]
            candidates = sorted(candidates, key=lambda record: record.number)
        return candidates if matches is None else [record for record in candidates if matches(record)]

    def _predicate(self, kind: Kind, text: str, terms: tuple[Node, ...]) -> Callable[[Record], bool]:
        part = Filter(text, And(terms) if len(terms) > 1 else terms[0])
        matches: Predicate = part.compile(self._schema(kind))
        reads_edges = any(edge in fold(path) for path in part.attributes for edge in ("members", "groups"))
        document = self._representation.whole if reads_edges else self._representation.own
        return lambda record: matches(document(record))

    def _look_up(self, kind: Kind, term: Node) -> Sequence[Record] | None:
        """Return the records that a comparison means without looking at each, or ``None`` where nothing leads there."""
        if not isinstance(term, Comparison) or term.operator != "eq" or not isinstance(term.value, str):
            return None
        records, value = self._records[kind], term.value
        name = fold(str(term.path)).removeprefix(f"{fold(kind.schema)}:")
        if name == "id":
            return [records[value]] if value in records else []
        if name in _EDGES[kind] and self._knows(kind, name):
            return self._along_edges(kind, value)
        for attribute, index in self._indexes[kind].items():
            if fold(attribute) == name:
                return [records[resource_id] for resource_id in index.find(value)]
        return None

    def _knows(self, kind: Kind, name: str) -> bool:
        """Tell whether memberships can be asked for: by an attribute of the schema, or by the dialect's word alone."""
        named = frozenset().union(*(self._behaviour.filter_combinations or {}).get(kind, ()))
        return name in named or self._schema(kind).find(name.partition(".")[0]) is not None

    def _along_edges(self, kind: Kind, other_id: str) -> Sequence[Record]:
        """Return the groups that someone is a member of, or the users in a group."""
        records = self._records[kind]
        if kind is Kind.USER:
            group = self._records[Kind.GROUP].get(other_id)
            return [records[member] for member in group.members if member in records] if group else []
        member = self._records[Kind.USER].get(other_id) or records.get(other_id)
        return [records[group_id] for group_id in member.member_of] if member else []

    def _schema(self, kind: Kind) -> ResourceSchema:
        schemas = self._behaviour.schemas
        return schemas.user if kind is Kind.USER else schemas.group


def _operators(node: Node) -> set[str]:
    """Return the operators in a filter; a filter in brackets counts as ``[]``."""
    match node:
        case Comparison():
            return {node.operator}
        case Present():
            return {"pr"}
        case Not():
            return {"not"} | _operators(node.term)
        case Selection():
            return {"[]"} | _operators(node.term)
        case And():
            return {"and"}.union(*map(_operators, node.terms))
        case Or():
            return {"or"}.union(*map(_operators, node.terms))


def _names(node: Node) -> Iterator[str]:
    """Yield the attributes that a filter compares. Inside brackets, the one before them counts."""
    match node:
        case Comparison() | Present() | Selection():
            yield str(node.path)
        case Not():
            yield from _names(node.term)
        case And() | Or():
            for term in node.terms:
                yield from _names(term)

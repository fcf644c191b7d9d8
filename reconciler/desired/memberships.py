"""Who is named as a member: each must be listed, once in a group, and no group may hold itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from reconciler.attributes import fold
from reconciler.desired.doubts import Doubts
from reconciler.desired.identity import name_problem
from reconciler.desired.problems import Problems
from reconciler.desired.suggestions import Suggester
from reconciler.model import DesiredGroup, Kind, Member

_LIST_IT: Final = "list it, or write members_may_be_unlisted: true in directory.yaml"
_MAX_CYCLE_SHOWN: Final = 10
"""Names of a longer cycle of groups are left out of its message, but for the first ones and the last."""


class MembershipCheck:
    """Checks the memberships of all groups.

    Args:
        names: the names of all listed users and groups as written, by kind and folded.
        members: every different membership of the groups, each once.
        may_be_unlisted: whether a member may be one that no file lists.
        doubts: what of the groups could not be read.
        suggester: guesses who was meant.
        problems: takes what is wrong.
    """

    def __init__(
        self,
        *,
        names: Mapping[Kind, Mapping[str, str]],
        members: Iterator[Member],
        may_be_unlisted: bool,
        doubts: Doubts,
        suggester: Suggester,
        problems: Problems,
    ) -> None:
        self._names = names
        self._may_be_unlisted = may_be_unlisted
        self._doubts = doubts
        self._suggester = suggester
        self._problems = problems
        # By identity: hashing a million memberships again would take longer than everything else here.
        self._keys: dict[int, tuple[Kind, str]] = {}
        self._unusable: dict[int, tuple[str, str | None]] = {}
        for member in members:
            key = (member.kind, fold(member.name))
            self._keys[id(member)] = key
            problem = name_problem(member.name)
            if problem is not None:
                self._unusable[id(member)] = f"the name of a member {problem}", None
            elif key[1] not in names[member.kind] and not may_be_unlisted:
                self._unusable[id(member)] = self._unlisted(member.kind, member.name)

    def check(self, groups: Sequence[DesiredGroup]) -> None:
        """Check every group. Those that ``doubts`` knows may lack their name."""
        for group in groups:
            self._check_members(group)
            self._check_fewest(group)
            self._check_required(group)
        self._check_cycles(groups)

    def _unlisted(self, kind: Kind, name: str) -> tuple[str, str | None]:
        message = f"{name!r} is not a listed {kind.value.lower()}"
        names = self._names[kind]
        other = Kind.GROUP if kind is Kind.USER else Kind.USER
        elsewhere = self._names[other].get(fold(name))
        if elsewhere is not None:
            return message, f"it is a listed {other.value.lower()}; write {{{other.value.lower()}: {elsewhere}}}"
        return message, self._suggester.hint(name, names.values()) or _LIST_IT

    def _check_members(self, group: DesiredGroup) -> None:
        members = group.members or ()
        keys = [self._keys[id(member)] for member in members]
        repeated = self._report_twice(group, keys) if len(set(keys)) != len(keys) else set()
        if not self._unusable:
            return
        for index, member in enumerate(members):
            if id(member) in self._unusable and index not in repeated:
                message, hint = self._unusable[id(member)]
                origin = group.source.locate("members", index)
                self._problems.error("member", message, origin, hint=hint, text=member.name)

    def _report_twice(self, group: DesiredGroup, keys: list[tuple[Kind, str]]) -> set[int]:
        """Return the indexes of the members that were named before."""
        first: dict[tuple[Kind, str], int] = {}
        repeated: set[int] = set()
        for index, key in enumerate(keys):
            if first.setdefault(key, index) != index:
                repeated.add(index)
                line = group.source.locate("members", first[key]).line
                name = (group.members or ())[index].name
                message = f"{name!r} is a member already, in line {line}"
                self._problems.error("duplicate-member", message, group.source.locate("members", index), text=name)
        return repeated

    def _check_fewest(self, group: DesiredGroup) -> None:
        fewest = group.lifecycle.min_members
        if fewest is None or group.match is not None or self._doubts.about(group, "members", "match"):
            return
        origin = group.source.locate("lifecycle", "min_members")
        if group.members is None:
            message = "min_members has no effect in a group without members or match"
            self._problems.warning("min-members", message, origin)
        elif len(group.members) < fewest:
            message = f"min_members is {fewest}, but members lists {len(group.members)}"
            self._problems.error("min-members", message, origin, text=str(fewest))

    def _check_required(self, group: DesiredGroup) -> None:
        if not group.lifecycle.required_members:
            return
        members: set[str] | None = None
        plain = group.match is None and all(member.kind is Kind.USER for member in group.members or ())
        # Others are members by the filter or through a group; who, only planning finds out.
        if group.members is not None and plain and not self._doubts.about(group, "members", "match"):
            members = {fold(member.name) for member in group.members}
        for index, name in enumerate(group.lifecycle.required_members):
            found = self._wrong_with_required(name, members)
            if found is not None:
                message, hint = found
                origin = group.source.locate("lifecycle", "required_members", index)
                self._problems.error("required-members", message, origin, hint=hint, text=name)

    def _wrong_with_required(self, name: str, members: AbstractSet[str] | None) -> tuple[str, str | None] | None:
        """Return what is wrong with a required member of a group whose members are known, or not, and a hint."""
        problem = name_problem(name)
        if problem is not None:
            return f"the name of a required member {problem}", None
        listed = self._names[Kind.USER]
        if fold(name) not in listed and not self._may_be_unlisted:
            hint = self._suggester.hint(name, listed.values()) or _LIST_IT
            return f"the required member {name!r} is not a listed user", hint
        if members is not None and fold(name) not in members:
            return f"{name!r} is a required member, but members does not list it", None
        return None

    def _check_cycles(self, groups: Sequence[DesiredGroup]) -> None:
        by_name = {fold(group.name): group for group in groups if group.kind.naming_attribute in group.attributes}
        edges = {
            name: [fold(member.name) for member in group.members or () if member.kind is Kind.GROUP]
            for name, group in by_name.items()
        }
        for cycle in _cycles(edges):
            last = by_name[cycle[-1]]
            index = next(
                index
                for index, member in enumerate(last.members or ())
                if member.kind is Kind.GROUP and fold(member.name) == cycle[0]
            )
            shown = cycle if len(cycle) <= _MAX_CYCLE_SHOWN else [*cycle[: _MAX_CYCLE_SHOWN - 1], None, cycle[-1]]
            path = " → ".join(by_name[name].name if name is not None else "…" for name in (*shown, cycle[0]))
            origin = last.source.locate("members", index)
            self._problems.error("group-cycle", f"groups are members of themselves: {path}", origin)


def _cycles(edges: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield every cycle that a walk in depth closes, as the names on it.

    Without recursion: a chain of groups may be long.
    """
    done: set[str] = set()
    for root in edges:
        path: list[str] = []
        pending: list[Iterator[str]] = []
        position: dict[str, int] = {}
        following: str | None = root
        while True:
            if following is None:
                done.add(path[-1])
                del position[path.pop()]
                pending.pop()
            elif following in position:
                yield path[position[following] :]
            elif following in edges and following not in done:
                position[following] = len(path)
                path.append(following)
                pending.append(iter(edges[following]))
            if not pending:
                break
            following = next(pending[-1], None)

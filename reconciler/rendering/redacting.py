"""A plan without the names and addresses of people, for readers who may see what happens and not to whom.

Group names stay: they say what is at stake. What an author wrote in his own words is withheld, because nobody knows
whom it names; so are values of users' attributes. What is left is checked against every name in the plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, TypeVar, overload

from msgspec.structs import replace

from reconciler.model import Kind
from reconciler.planning.effect import AccessChange, Effect, GroupEffect, UserEffect
from reconciler.planning.plan import (
    Action,
    Allowed,
    Change,
    DirectoryIdentity,
    Edge,
    LeftOut,
    Note,
    Pending,
    Plan,
    Since,
    Step,
    Verdict,
)
from reconciler.rendering.provenance import without_credentials
from reconciler.rendering.pseudonyms import Pseudonyms

REDACTED: Final = "(redacted)"
"""What stands for a text that is withheld."""

_T = TypeVar("_T")

_SPEAK_OF_NOBODY: Final = frozenset(
    {
        *("case-only", "files-unchanged", "left-alone", "members-unknown", "no-external-id", "not-planned", "partial"),
        *("replaced-group", "replacement-waits", "rewritten", "size-limit", "unused-allowance"),
    }
)
"""Codes of notes that hold numbers, attributes and groups alone."""

_WHYS: Final = frozenset({"only", "exclude", "auto_approve"})
_CORRELATIONS: Final = frozenset({"id", "externalId", "userName", "displayName", "previously"})
_GROUP_NAMES: Final = frozenset({"displayName", "externalId"})
_PATH = re.compile(r"[A-Za-z][\w.:$-]*", re.ASCII)
_CODE = re.compile(r"[a-z][a-z0-9_.-]*")
_PLACE = re.compile(r"(.*):(\d+)", re.DOTALL)
_ACTIONS: Final = frozenset(Action)
_STEP = re.compile(r"(\w+) (user|group):(.*)", re.DOTALL)
_MARKED = re.compile(r"(.*) \((.*)\)", re.DOTALL)
_NEEDS = re.compile("needs “(.*)”", re.DOTALL)
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


def redacted(plan: Plan) -> Plan:
    """Return the plan with ids in place of people's names, or initials and a number for those who have no id yet.

    Every renderer takes it, and says that it is redacted and of which plan: ``digest`` stays that of the plan. Nobody
    can apply it, because it carries neither names nor preconditions, and its digest does not fit.

    The same person is the same throughout. Two people are never one. Withheld are the values of users' attributes but
    ``active``, reasons and remarks in an author's words, literals in filters, the names of files that hold a person's
    name, and warnings that name people; that there is a change, and where it is stated, stays.
    """
    if plan.redacted:
        return plan
    return _Redaction(plan).done()


class _Redaction:
    """Takes one plan through, part by part."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._people = Pseudonyms(plan)
        self._places = dict[str, str]()
        self._step_ids = {step.id: self._step_id(step) for step in plan.steps}

    def done(self) -> Plan:
        """Return the whole plan redacted."""
        plan = self._plan
        return replace(
            plan,
            directory=self._directory(plan.directory),
            capabilities=self._capabilities(plan.capabilities),
            reason=_withheld(plan.reason),
            undoes=self._checked(plan.undoes),
            only=tuple(map(self._selector, plan.only)),
            exclude=tuple(map(self._selector, plan.exclude)),
            allowances=_each(plan.allowances, self._allowed),
            guards=_each(plan.guards, self._verdict),
            notes=_each(plan.notes, self._note),
            pending=_each(plan.pending, self._pending),
            left_out=_each(plan.left_out, self._left_out),
            since=None if plan.since is None else self._since(plan.since),
            steps=_each(plan.steps, self._step),
            effect=self._effect(plan.effect),
            signature=None,
            redacted=True,
        )

    def _step(self, step: Step) -> Step:
        is_user = step.kind is Kind.USER
        return replace(
            step,
            id=self._step_ids[step.id],
            name=self._step_name(step),
            resource_id=self._user_id(step.name, step.resource_id) if is_user else step.resource_id,
            correlated_by=step.correlated_by if step.correlated_by in _CORRELATIONS else _withheld(step.correlated_by),
            changes=tuple(self._change(change, step.kind) for change in step.changes),
            members=_each(step.members, self._edge),
            needs=tuple(map(self._step_named, step.needs)),
            replaces=_withheld(step.replaces) if is_user else step.replaces,
            # A digest of a few values that can be guessed tells whether a guess is right.
            precondition=None,
            origin=self._place(step.origin),
            note=_withheld(step.note),
        )

    def _change(self, change: Change, kind: Kind) -> Change:
        # The name of a group is no secret, and whether an account works is what a reviewer has to know.
        names_group = kind is Kind.GROUP and change.path in _GROUP_NAMES
        switches = kind is Kind.USER and change.path == "active"
        value = _if_is(str) if names_group else _if_is(bool) if switches else _withheld
        return replace(
            change,
            path=change.path if _PATH.fullmatch(change.path) and not self._people.named_in(change.path) else REDACTED,
            before=value(change.before),
            after=value(change.after),
            # What begins with "!" is a remark of the planner; the others repeat values.
            details=tuple(
                phrase if not self._people.named_in(phrase) and _LITERAL.search(phrase) is None else f"! {REDACTED}"
                for phrase in change.details
                if phrase.startswith("! ")
            ),
            origin=self._place(change.origin),
        )

    def _edge(self, edge: Edge) -> Edge:
        is_user = edge.kind is Kind.USER
        return replace(
            edge,
            name=self._people.of_member(edge.name, edge.id) if is_user else edge.name,
            id=self._user_id(edge.name, edge.id) if is_user else edge.id,
            origin=self._place(edge.origin),
            note=_withheld(edge.note),
            rule=self._filter(edge.rule),
        )

    def _effect(self, effect: Effect) -> Effect:
        return replace(
            effect, groups=_each(effect.groups, self._group_effect), users=_each(effect.users, self._user_effect)
        )

    def _group_effect(self, group: GroupEffect) -> GroupEffect:
        return replace(
            group,
            gained=_each(group.gained, self._access_change),
            lost=_each(group.lost, self._access_change),
            kept=tuple(map(self._people.called_after, group.kept)),
        )

    def _access_change(self, change: AccessChange) -> AccessChange:
        return replace(
            change, step=self._step_named(change.step), users=tuple(map(self._people.called_after, change.users))
        )

    def _user_effect(self, user: UserEffect) -> UserEffect:
        name = self._people.of_member(user.name, user.id)
        return replace(user, name=name, id=None if user.id is None else name)

    def _verdict(self, verdict: Verdict) -> Verdict:
        return replace(
            verdict,
            guard=verdict.guard if _CODE.fullmatch(verdict.guard) else REDACTED,
            limit=self._checked(verdict.limit),
            subject=None if verdict.subject is None else self._address(verdict.subject),
            resources=tuple(map(self._address, verdict.resources)),
            allowed_by=_withheld(verdict.allowed_by),
            how_to_allow=self._checked(verdict.how_to_allow),
        )

    def _allowed(self, allowed: Allowed) -> Allowed:
        return Allowed(allowance=self._checked(allowed.allowance), reason=REDACTED)

    def _note(self, note: Note) -> Note:
        code = note.code if _CODE.fullmatch(note.code) and not self._people.named_in(note.code) else REDACTED
        known = code in _SPEAK_OF_NOBODY and not self._people.named_in(note.message)
        message = note.message if known else f"{code}: what it says may name people, and is withheld"
        return replace(note, code=code, message=message, origin=self._place(note.origin))

    def _pending(self, one: Pending) -> Pending:
        if one.kind is not Kind.USER:
            return one
        name = self._people.called(one.name, one.id)
        return replace(one, id=name, name=name)

    def _left_out(self, one: LeftOut) -> LeftOut:
        needed = _NEEDS.fullmatch(one.why)
        why = f"needs “{self._step_named(needed[1])}”" if needed else one.why if one.why in _WHYS else REDACTED
        return replace(one, step=self._step_named(one.step), why=why)

    def _since(self, since: Since) -> Since:
        # The name of a branch is often that of whose it is; the commit says the same.
        again = tuple(self._people.known_by(one) or REDACTED for one in since.listed_again)
        return replace(since, ref=since.commit[:12], listed_again=again)

    def _directory(self, directory: DirectoryIdentity) -> DirectoryIdentity:
        return replace(directory, base_url=without_credentials(directory.base_url))

    def _capabilities(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._checked(name): self._capabilities(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._capabilities(inner) for inner in value]
        return self._checked(value) if isinstance(value, str) else value

    def _selector(self, text: str) -> str:
        """Redact one of ``--only`` and ``--exclude``: an address, or a filter in brackets."""
        kind, bracket, found = text.partition("[")
        if bracket and kind.strip() in ("users", "groups"):
            return f"{kind}[{self._filter(found.removesuffix(']'))}]"
        return self._address(text)

    def _address(self, address: str) -> str:
        kind, _, name = address.strip().partition(":")
        if kind == "user":
            return Kind.USER.address(self._people.called(name))
        return address if kind == "group" else self._checked(address)

    def _step_name(self, step: Step) -> str:
        if step.kind is not Kind.USER:
            return step.name
        if step.action is Action.CREATE:
            return self._people.created(step.name)
        return self._people.called(step.name, step.resource_id)

    def _step_id(self, step: Step) -> str:
        return step.id if step.kind is not Kind.USER else f"{step.action} {step.kind.address(self._step_name(step))}"

    def _step_named(self, step_id: str) -> str:
        """Redact the id of a step that need not be in the plan."""
        if step_id in self._step_ids:
            return self._step_ids[step_id]
        found = _STEP.fullmatch(step_id)
        if found is None or found[1] not in _ACTIONS:
            return REDACTED
        action, kind, shown = found.groups()
        return step_id if kind == "group" else f"{action} {Kind.USER.address(self._people.called(*_bearer(shown)))}"

    def _user_id(self, name: str, user_id: str | None) -> str | None:
        return None if user_id is None else self._people.called(name, user_id)

    def _filter(self, text: str | None) -> str | None:
        """Return a filter without its literals: ``department eq "…"``."""
        return None if text is None else self._checked(_LITERAL.sub('"…"', text))

    def _place(self, origin: str | None) -> str | None:
        """Return ``file:line``, without the file where its name could be a person's."""
        if origin is None:
            return None
        found = _PLACE.fullmatch(origin)
        file, line = found.groups() if found else (origin, "")
        if file not in self._places:
            self._places[file] = self._checked(file)
        return f"{self._places[file]}:{line}" if found else self._places[file]

    @overload
    def _checked(self, text: str) -> str: ...

    @overload
    def _checked(self, text: None) -> None: ...

    def _checked(self, text: str | None) -> str | None:
        return REDACTED if text is not None and self._people.named_in(text) else text


def _bearer(shown: str) -> tuple[str, str | None]:
    """Return the name and the id of whom the id of a step is about, see :func:`reconciler.planning.steps.step_id`."""
    marked = _MARKED.fullmatch(shown)
    name, user_id = marked.groups() if marked else (shown, None)
    if name.startswith('"'):
        with suppress(ValueError):
            name = str(json.loads(name))
    return name, None if user_id == "new" else user_id


def _each(parts: Iterable[_T], redact: Callable[[_T], _T]) -> tuple[_T, ...]:
    return tuple(map(redact, parts))


def _withheld(value: Any) -> str | None:
    return None if value is None else REDACTED


def _if_is(kind: type) -> Callable[[Any], Any]:
    return lambda value: value if value is None or isinstance(value, kind) else REDACTED

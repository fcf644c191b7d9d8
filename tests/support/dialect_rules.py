"""Holds recorded requests against the capabilities that a dialect records: only what the directory takes is sent.

Written apart from the code that sends: a request is judged by its bytes alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from reconciler.capabilities import Capabilities, MemberAdd, MemberRemove, Paging, Rate
from reconciler.sandbox.gate import RecordedRequest

_PATH = re.compile(r"/(Users|Groups|Bulk|ServiceProviderConfig|ResourceTypes|Schemas)(?:/([^/]+))?$")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(r"[A-Za-z][\w.:$-]*")
_OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "and", "or", "not"})
_LITERALS = frozenset({"true", "false", "null"})
_NAMED_MEMBER = re.compile(r'members\[value eq ("(?:[^"\\]|\\.)*")\]')
_PAGING = frozenset({"startIndex", "count", "cursor"})
_PARAMETERS = _PAGING | {"filter", "excludedAttributes"}
_ABOUT_THE_FORM = frozenset({400, 405, 415, 422, 501})
_IN_FLIGHT = 8
"""Requests that may come together although they left one after the other: as many as are in flight at once."""


@dataclass(frozen=True)
class Membership:
    """The part of a write that adds members to a group or removes them, and in which form."""

    op: str
    form: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Sent:
    """One recorded request, taken apart."""

    recorded: RecordedRequest

    @property
    def method(self) -> str:
        return self.recorded.method

    @cached_property
    def _segments(self) -> tuple[str, str]:
        found = _PATH.search(self.recorded.path)
        return (found[1], found[2] or "") if found else ("", "")

    @property
    def endpoint(self) -> str:
        return self._segments[0]

    @property
    def resource_id(self) -> str:
        return self._segments[1]

    @cached_property
    def params(self) -> Mapping[str, str]:
        return dict(parse_qsl(self.recorded.query, keep_blank_values=True))

    @cached_property
    def body(self) -> Mapping[str, Any]:
        return self.recorded.json() or {}

    @cached_property
    def operations(self) -> Sequence[Mapping[str, Any]]:
        return self.body["Operations"] if self.method == "PATCH" else ()

    @cached_property
    def memberships(self) -> tuple[Membership, ...]:
        """What a PATCH of a group does to its members, operation by operation."""
        if self.method != "PATCH" or self.endpoint != "Groups":
            return ()
        return tuple(found for one in self.operations if (found := _membership(one)))

    @property
    def lists(self) -> bool:
        """Whether it asks for more than one resource, as it does not with a filter."""
        return self.method == "GET" and not self.resource_id and self.endpoint in ("Users", "Groups")

    @cached_property
    def in_bulk(self) -> Sequence[Sent]:
        """The requests that a bulk request stands for (RFC 7644 §3.7)."""
        if self.endpoint != "Bulk":
            return ()
        return [
            Sent(
                RecordedRequest(
                    method=one["method"],
                    path=one["path"],
                    query="",
                    body=json.dumps(one["data"]).encode() if "data" in one else b"",
                    status=self.recorded.status,
                    if_match=one.get("version"),
                )
            )
            for one in self.body["Operations"]
        ]

    def __str__(self) -> str:
        query = f"?{self.recorded.query}" if self.recorded.query else ""
        return f"{self.method} {self.recorded.path}{query}"


Rule: TypeAlias = Callable[[Sent, Capabilities], Iterator[str]]


def violations(requests: Sequence[RecordedRequest], capabilities: Capabilities, *, learns: bool = False) -> list[str]:
    """Return what the capabilities do not allow about these requests, each as ``rule: request: what``.

    Args:
        requests: of any number of runs, in order. Each begins with discovery.
        capabilities: what the directory can do.
        learns: whether the directory is an unknown one. Its forms of membership are found by trying then: any may be
            sent until it is disproven. And a page may be asked for without saying how large.
    """
    found = []
    rules = {name: rule for name, rule in RULES.items() if not (learns and name in _TRIED)}
    for run in runs(requests):
        sent = [Sent(request) for request in run]
        for name, rule in rules.items():
            told_of = (one for request in sent for one in (request, *request.in_bulk))
            found += [f"{name}: {one}: {told}" for one in told_of for told in rule(one, capabilities)]
        found += [f"rates: {told}" for rate in capabilities.rates for told in _too_fast(sent, rate)]
        found += [f"disproven: {told}" for told in _disproven_again(sent)]
    return found


def runs(requests: Sequence[RecordedRequest]) -> Iterator[Sequence[RecordedRequest]]:
    """Yield the requests of each read and each apply apart. Both begin with discovery, whose requests go together."""
    starts = [number for number, one in enumerate(requests) if one.path.endswith("/ServiceProviderConfig")]
    for start, end in pairwise([0, *starts[1:], len(requests)]):
        yield requests[start:end]


def _membership(operation: Mapping[str, Any]) -> Membership | None:
    op, path, value = str(operation["op"]).lower(), operation.get("path") or "", operation.get("value")
    if named := _NAMED_MEMBER.fullmatch(path):
        return Membership(op, "path-filter", (named[1],))
    if path.startswith("members") and path != "members":
        return Membership(op, "part-of-a-member", ())
    if path == "members" and isinstance(value, dict):
        return Membership(op, "nested-value", _values(value.get("members")))
    if path == "members":
        return Membership(op, "value-array" if value else "all", _values(value))
    if not path and isinstance(value, dict) and "members" in value:
        return Membership(op, "no-path", _values(value["members"]))
    return None


def _values(members: Any) -> tuple[str, ...]:
    return tuple(one["value"] for one in members or ())


def _known_parameters(sent: Sent, _capabilities: Capabilities) -> Iterator[str]:
    for name in sent.params.keys() - _PARAMETERS:
        yield f"the parameter {name} is not known"


def _groups(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    if sent.endpoint == "Groups" and not capabilities.groups:
        yield "there are no groups"


def _verb(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    offered = {
        ("PATCH", "Users"): capabilities.patch_users,
        ("PATCH", "Groups"): capabilities.patch_groups,
        ("PUT", "Users"): capabilities.put_users,
        ("PUT", "Groups"): capabilities.put_groups,
    }
    if not offered.get((sent.method, sent.endpoint), True):
        yield f"there is no {sent.method} of {sent.endpoint}"


def _members(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    named = sum(len(one.ids) for one in sent.memberships)
    if sent.method == "POST" and sent.endpoint == "Groups":
        named = len(sent.body.get("members") or ())
    if named > capabilities.max_members_per_patch:
        yield f"{named} members, at most {capabilities.max_members_per_patch}"


def _operations(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    if len(sent.operations) > capabilities.max_operations_per_patch:
        yield f"{len(sent.operations)} operations, at most {capabilities.max_operations_per_patch}"


def _bytes(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    limit = capabilities.bulk_bytes if sent.endpoint == "Bulk" else capabilities.max_body_bytes
    if len(sent.recorded.body) > limit:
        yield f"{len(sent.recorded.body)} bytes, at most {limit}"


def _bulk(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    if sent.endpoint == "Bulk" and len(sent.body["Operations"]) > capabilities.bulk_operations:
        yield f"{len(sent.body['Operations'])} operations, at most {capabilities.bulk_operations}"


def _form(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    declared = {"add": capabilities.member_add.value, "remove": capabilities.member_remove.value}
    for one in sent.memberships:
        if one.ids and one.form != declared.get(one.op, one.form):
            yield f"members are changed by {one.op} {one.form}"
    puts = MemberAdd.PUT is capabilities.member_add or MemberRemove.PUT is capabilities.member_remove
    if sent.method == "PUT" and sent.endpoint == "Groups" and capabilities.patch_groups and not puts:
        yield "a group is written whole where PATCH works"


def _names_members(sent: Sent, _capabilities: Capabilities) -> Iterator[str]:
    """Whatever a form is: it says who. Nobody named is everybody meant (RFC 7644 §3.5.2.2, §3.5.2.3)."""
    for one in sent.memberships:
        if not one.ids or one.op == "replace":
            yield f"{one.op} {one.form} is about all members"


def _filter(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    if "filter" not in sent.params:
        return
    words = _WORD.findall(_TEXT.sub("", sent.params["filter"]))
    operators = {word.lower() for word in words} & _OPERATORS
    attributes = {word.lower() for word in words} - _OPERATORS - _LITERALS
    allowed = capabilities.user_filters if sent.endpoint == "Users" else capabilities.group_filters
    if allowed is not None and (unknown := attributes - {name.lower() for name in allowed}):
        yield f"there is no filter on {', '.join(sorted(unknown))}"
    if capabilities.filter_operators is not None and (unknown := operators - set(capabilities.filter_operators)):
        yield f"no filter has {', '.join(sorted(unknown))}"


def _paging(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    if not sent.lists:
        if sent.params.keys() & _PAGING:
            yield "one resource has no pages"
        return
    paging, stated = capabilities.paging, sent.params.keys() & _PAGING
    allowed = {Paging.INDEX: {"startIndex", "count"}, Paging.CURSOR: {"cursor", "count"}}.get(paging, set())
    if stated - allowed:
        yield f"{', '.join(sorted(stated - allowed))} is stated, and paging is {paging}"
    if paging is Paging.FILTER_ONLY and "filter" not in sent.params:
        yield "there is no listing without a filter"
    size = capabilities.page_size if sent.endpoint == "Users" else capabilities.group_page_size
    if int(sent.params.get("count", 0)) > size:
        yield f"{sent.params['count']} per page, at most {size}"


def _page(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    pages = capabilities.paging in (Paging.INDEX, Paging.CURSOR)
    if sent.lists and pages and not sent.params.keys() & (_PAGING | {"filter"}):
        yield f"no page is asked for, and paging is {capabilities.paging}"


def _version(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    if sent.recorded.if_match is not None and not capabilities.etag:
        yield "If-Match is stated, and there are no versions"


def _excluded(sent: Sent, capabilities: Capabilities) -> Iterator[str]:
    if "excludedAttributes" in sent.params and not capabilities.exclude_members:
        yield "nothing can be excluded from answers"


RULES: Mapping[str, Rule] = {
    "parameters": _known_parameters,
    "groups": _groups,
    "verb": _verb,
    "members": _members,
    "operations": _operations,
    "bytes": _bytes,
    "bulk": _bulk,
    "form": _form,
    "named": _names_members,
    "filter": _filter,
    "paging": _paging,
    "page": _page,
    "versions": _version,
    "excluded": _excluded,
}
_TRIED = ("form", "page")
"""Rules that an unknown server teaches."""


def _too_fast(sent: Sequence[Sent], rate: Rate) -> Iterator[str]:
    """Hold the requests of one run against a pace, as a bucket that is filled by the second."""
    capacity = (rate.burst or rate.requests) + _IN_FLIGHT
    level, last = float(capacity), 0.0
    for one in sorted(sent, key=lambda one: one.recorded.at):
        if (rate.methods and one.method not in rate.methods) or (rate.endpoints and one.endpoint not in rate.endpoints):
            continue
        level = min(capacity, level + (one.recorded.at - last) * rate.requests / rate.seconds) - 1
        last = one.recorded.at
        if level < 0:
            yield f"{one}: {rate.requests} requests in {rate.seconds:g} s are asked for"
            return


def _disproven_again(sent: Sequence[Sent]) -> Iterator[str]:
    """Yield the writes in a form that the run itself had given up before, for another one that was accepted.

    A form is given up where its members are sent in another one: it was refused, or it came to nothing.
    """
    last: dict[tuple[str, str, str], tuple[str, int]] = {}
    disproven: set[tuple[str, str]] = set()
    for one in sent:
        forms = {(member.op, member.form) for member in one.memberships}
        if forms & disproven:
            yield f"{one}: {' '.join(next(iter(forms)))} had come to nothing in this run"
        for member in one.memberships:
            for member_id in member.ids:
                edge = one.resource_id, member.op, member_id.strip('"')
                form, status = last.get(edge, (member.form, 0))
                about_the_form = status in _ABOUT_THE_FORM or 200 <= status < 300
                if form != member.form and about_the_form and 200 <= one.recorded.status < 300:
                    disproven.add((member.op, form))
                last[edge] = member.form, one.recorded.status

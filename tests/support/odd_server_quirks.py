"""What is odd about a server that nobody has seen: one field per topic, and what was seen on real ones as its values.

The first value of each topic is what RFC 7643 and RFC 7644 ask for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """The oddities of one server, which can be mixed at will."""

    # Changing a resource.
    patch: Literal["works", "405", "501"] = "works"
    patch_answer: Literal["200", "204", "200 before the change"] = "200"
    patch_operations: Literal["all", "first only"] = "all"
    patch_verbs: Literal["any case", "capitalised"] = "any case"
    patch_paths: Literal["any case", "exact"] = "any case"
    put: Literal["replaces", "members ignored", "members merged", "405"] = "replaces"
    put_without_members: Literal["empties", "keeps"] = "empties"

    # Members.
    add: Literal["adds", "replaces", "twice is twice", "409 if present"] = "adds"
    replace: Literal["replaces", "merges", "ignored"] = "replaces"
    remove_values: Literal["removes", "400", "empties", "ignored"] = "removes"
    remove_filter: Literal["removes", "400", "500", "501", "ignored", "one per request"] = "removes"
    member_names: Literal["value", "userName", "ref", "display"] = "value"

    # Listings.
    total: Literal["all", "page"] = "all"
    paging: Literal["index", "50", "whole", "first 50", "past end is first", "count is 500", "from 0"] = "index"
    order: Literal["stable", "random"] = "stable"
    filters: Literal[
        "work", "ignored", "400", "501", "case", "userName only", "externalId is 500", "404 for nothing"
    ] = "work"

    # Versions.
    versions: Literal["none", "honoured", "ignored", "required"] = "none"

    # Identifiers.
    ids: Literal["uuid", "integer"] = "uuid"

    # Groups.
    new_group: Literal["any", "needs members", "drops members"] = "any"
    group_name: Literal["mutable", "400", "ignored"] = "mutable"

    # Users.
    user_name: Literal["mutable", "400", "ignored", "lower"] = "mutable"
    emails: Literal["list", "first only"] = "list"
    unknown: Literal["kept", "400", "dropped"] = "kept"
    active: Literal["boolean", "text", "Text", "missing"] = "boolean"
    external_id: Literal["kept", "dropped"] = "kept"
    enterprise: Literal["kept", "dropped"] = "kept"
    user_groups: Literal["filled", "never"] = "filled"

    # Creating and deleting.
    duplicate: Literal["409", "400", "500 html", "409 empty"] = "409"
    created: Literal["201", "200", "Location only", "nothing"] = "201"
    deleted: Literal["204", "200 with body", "202", "deactivates", "leaves members"] = "204"
    inactive: Literal["listed", "hidden"] = "listed"

    # What it says of itself.
    config: Literal["right", "404", "html", "no patch", "bulk", "etag", "boasts"] = "right"
    schemas: Literal["right", "404", "html"] = "right"
    types: Literal["right", "404", "html"] = "right"

    # The wire.
    reads: Literal["at once", "late"] = "at once"
    throttling: Literal["never", "now and then"] = "never"
    body: Literal["plain", "byte order mark", "text/html"] = "plain"

    def __str__(self) -> str:
        odd = ((one.name, getattr(self, one.name)) for one in fields(self) if getattr(self, one.name) != one.default)
        return ", ".join(f"{topic}={value}" for topic, value in odd) or "nothing odd"


def topics() -> dict[str, tuple[str, ...]]:
    """Return the odd values of every topic."""
    return {name: get_args(hint)[1:] for name, hint in get_type_hints(Quirks).items()}

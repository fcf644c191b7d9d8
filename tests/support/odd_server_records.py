"""What an odd server holds, and what it makes of the writes that it is sent. Knows nothing of HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from copy import deepcopy
from itertools import count
from typing import Any
from uuid import UUID

from odd_server_quirks import Quirks

Row = dict[str, Any]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
KNOWN = ("userName", "name", "displayName", "title", "emails", "active", "externalId", ENTERPRISE)
LAG = 0.06
"""Seconds by which late reads lag behind."""


class Refusal(Exception):  # noqa: N818  # an answer, and no fault of this program
    """A request that is not carried out."""

    def __init__(self, status: int, detail: str = "", scim_type: str | None = None) -> None:
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        super().__init__(detail)


class Records:
    """Users, and groups whose ``members`` are a list of ids. One caller at a time.

    Attributes:
        users: by id.
        groups: by id.
        lost: every membership that a write ended, in order: the group's id and the member's.
    """

    def __init__(self, quirks: Quirks) -> None:
        self.users: dict[str, Row] = {}
        self.groups: dict[str, Row] = {}
        self.lost: list[tuple[str, str]] = []
        self._quirks = quirks
        self._numbers = {"Users": count(1), "Groups": count(1)}
        self._past: list[tuple[float, dict[str, Row], dict[str, Row]]] = []

    def of(self, endpoint: str) -> dict[str, Row]:
        return self.users if endpoint == "Users" else self.groups

    def visible(self) -> tuple[dict[str, Row], dict[str, Row]]:
        """What a reader is shown now: the past, where reads are late."""
        now = time.monotonic()
        self._past = [each for each in self._past if each[0] > now - LAG]
        return self._past[0][1:] if self._past else (self.users, self.groups)

    def before_a_write(self) -> None:
        if self._quirks.reads == "late":
            self._past.append((time.monotonic(), deepcopy(self.users), deepcopy(self.groups)))

    # Making and taking away.

    def create(self, endpoint: str, body: Mapping[str, Any]) -> str:
        rows = self.of(endpoint)
        stated = {name: value for name, value in body.items() if name not in ("schemas", "id", "meta", "groups")}
        if endpoint == "Users":
            row = self._kept_of_user({"active": True, **stated})
            name = row["userName"].lower()
            if any(other["userName"].lower() == name for other in rows.values()):
                raise Refusal(409, "userName is taken", "uniqueness")
        else:
            members = [self.member_id(one) for one in stated.pop("members", None) or ()]
            if self._quirks.new_group == "needs members" and not members:
                raise Refusal(400, "members: this field is required", "invalidValue")
            row = {**self._kept(stated), "members": [] if self._quirks.new_group == "drops members" else members}
            if any(other["displayName"].lower() == row["displayName"].lower() for other in rows.values()):
                raise Refusal(409, "displayName is taken", "uniqueness")
        number = next(self._numbers[endpoint])
        resource_id = (
            str(number) if self._quirks.ids == "integer" else str(UUID(int=number + 1000 * (endpoint == "Groups")))
        )
        rows[resource_id] = {**row, "version": 1}
        return resource_id

    def delete(self, endpoint: str, resource_id: str) -> None:
        if endpoint == "Users" and self._quirks.deleted == "deactivates":
            self.users[resource_id]["active"] = False
            return
        del self.of(endpoint)[resource_id]
        if endpoint == "Users" and self._quirks.deleted != "leaves members":
            for group in self.groups.values():
                group["members"] = [one for one in group["members"] if one != resource_id]

    # Changing.

    def replace(self, endpoint: str, resource_id: str, body: Mapping[str, Any]) -> None:
        old = self.of(endpoint)[resource_id]
        stated = {name: value for name, value in body.items() if name not in ("schemas", "id", "meta", "groups")}
        if endpoint == "Users":
            row = self._kept_of_user(stated)
            self._rename(row, old, "userName", self._quirks.user_name)
            row.setdefault("active", old["active"])
        else:
            row = self._kept(stated)
            self._rename(row, old, "displayName", self._quirks.group_name)
            row["members"] = self._members_put(old["members"], body)
        self._store(endpoint, resource_id, row)

    def _members_put(self, old: list[str], body: Mapping[str, Any]) -> list[str]:
        if body.get("members") is None:
            return old if self._quirks.put_without_members == "keeps" else []
        named = [self.member_id(one) for one in body["members"]]
        if self._quirks.put == "members ignored":
            return old
        return list(dict.fromkeys(old + named)) if self._quirks.put == "members merged" else named

    def patch(self, endpoint: str, resource_id: str, operations: list[Row]) -> None:
        row = deepcopy(self.of(endpoint)[resource_id])
        old = deepcopy(row)
        filtered = [one for one in operations if str(one.get("path", "")).startswith("members[")]
        if len(filtered) > 1 and self._quirks.remove_filter == "one per request":
            raise Refusal(400, "only one filtered path per request")
        for operation in operations[: 1 if self._quirks.patch_operations == "first only" else None]:
            verb, path, value = operation["op"], operation.get("path") or "", operation.get("value")
            if self._quirks.patch_verbs == "capitalised" and verb != verb.capitalize():
                raise Refusal(400, f"op must be one of Add, Remove, Replace, not {verb}", "invalidSyntax")
            if path.lower().startswith("members") and endpoint == "Groups":
                row["members"] = self._members_patched(row["members"], verb.lower(), path, value)
            elif not path and isinstance(value, Mapping):
                for name, one in value.items():
                    _set(row, name, one)
            else:
                self._set(row, path, None if verb.lower() == "remove" else value)
        if endpoint == "Users":
            members = self._kept_of_user(row)
            self._rename(members, old, "userName", self._quirks.user_name)
            row = members
        else:
            self._rename(row, old, "displayName", self._quirks.group_name)
            row = self._kept(row)
        self._store(endpoint, resource_id, row)

    def _set(self, row: Row, path: str, value: Any) -> None:
        if "[" in path:
            raise Refusal(400, f"cannot read the path {path}", "invalidPath")
        _set(row, path, value)

    def _members_patched(self, members: list[str], verb: str, path: str, value: Any) -> list[str]:
        quirks = self._quirks
        if path.startswith("members["):
            found = re.fullmatch(r'members\[value eq "([^"]+)"\]', path)
            if found is None or verb != "remove":
                raise Refusal(400, f"cannot read the path {path}", "invalidPath")
            if quirks.remove_filter in ("400", "500", "501"):
                raise Refusal(int(quirks.remove_filter), "filters in paths are not supported")
            gone = {self.member_id({"value": found[1]})}
            return members if quirks.remove_filter == "ignored" else [one for one in members if one not in gone]
        if verb == "remove" and (not value or quirks.remove_values == "empties"):
            return []
        if not isinstance(value, list):
            raise Refusal(400, "members must be a list", "invalidValue")
        named = [self.member_id(one) for one in value]
        if verb == "add":
            return self._added(members, named)
        if verb == "replace":
            merged = list(dict.fromkeys(members + named))
            return {"replaces": named, "merges": merged, "ignored": members}[quirks.replace]
        if quirks.remove_values == "400":
            raise Refusal(400, "remove takes no value", "invalidValue")
        return members if quirks.remove_values == "ignored" else [one for one in members if one not in named]

    def _added(self, members: list[str], named: list[str]) -> list[str]:
        match self._quirks.add:
            case "replaces":
                return named
            case "twice is twice":
                return members + named
            case "409 if present" if set(members) & set(named):
                raise Refusal(409, "is a member already", "uniqueness")
            case _:
                return list(dict.fromkeys(members + named))

    def member_id(self, entry: Mapping[str, Any]) -> str:
        """The id of the user that a member names."""
        value = str(entry.get("value"))
        if self._quirks.member_names == "userName":
            by_name = {user["userName"].lower(): user_id for user_id, user in self.users.items()}
            value = by_name.get(value.lower(), "")
        if value not in self.users:
            raise Refusal(400, f"there is no user {entry.get('value')}", "invalidValue")
        return value

    def _rename(self, row: Row, old: Row, attribute: str, rule: str) -> None:
        if row.get(attribute) != old[attribute]:
            if rule == "400" or not row.get(attribute):
                raise Refusal(400, f"{attribute} cannot be changed", "mutability")
            if rule == "ignored":
                row[attribute] = old[attribute]

    def _store(self, endpoint: str, resource_id: str, row: Row) -> None:
        old = self.of(endpoint)[resource_id]
        if endpoint == "Groups":
            self.lost += [(resource_id, one) for one in dict.fromkeys(old["members"]) if one not in row["members"]]
        self.of(endpoint)[resource_id] = {**row, "version": old["version"] + 1}

    def _kept(self, stated: Mapping[str, Any]) -> Row:
        row = {name: value for name, value in stated.items() if value is not None}
        if self._quirks.external_id == "dropped":
            row.pop("externalId", None)
        return row

    def _kept_of_user(self, stated: Mapping[str, Any]) -> Row:
        row = self._kept(stated)
        if self._quirks.unknown != "kept":
            unknown = [name for name in row if name not in (*KNOWN, "version")]
            if unknown and self._quirks.unknown == "400":
                raise Refusal(400, f"unknown attribute {', '.join(unknown)}", "invalidSyntax")
            row = {name: value for name, value in row.items() if name not in unknown}
        if self._quirks.enterprise == "dropped":
            row.pop(ENTERPRISE, None)
        if self._quirks.emails == "first only" and isinstance(row.get("emails"), list):
            row["emails"] = row["emails"][:1]
        if self._quirks.user_name == "lower":
            row["userName"] = row["userName"].lower()
        if isinstance(row.get("active"), str):
            row["active"] = row["active"].lower() == "true"
        return row


def _set(row: Row, path: str, value: Any) -> None:
    """Write a value to ``title``, ``name.givenName`` or below the URN of the extension."""
    keys = path.split(".")
    if path.lower().startswith(ENTERPRISE.lower()):
        keys = [ENTERPRISE, *filter(None, path[len(ENTERPRISE) :].lstrip(":").split("."))]
    *outer, last = keys
    for key in outer:
        row = row.setdefault(key, {})
    if value is None:
        row.pop(last, None)
    else:
        row[last] = value

"""A small SCIM server of its own kind, as a team writes one in a week, whose oddities can be switched one by one.

It shares no code with the sandbox, and was written after what real servers were seen to do, so that it knows nothing of
what this project's own directory takes for granted.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from urllib.parse import unquote

from loopback import Reply, Request, serving
from odd_server_quirks import Quirks
from odd_server_records import ENTERPRISE, Records, Refusal, Row
from reconciler.attributes import rfc7643_documents

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_HTML = Reply(200, b"<!doctype html><title>Welcome</title>", {"Content-Type": "text/html"})
_SHORT_PAGE = 50


class OddServer:
    """Answers requests. It can be looked at, and changed, from behind.

    Attributes:
        records: what it holds.
        quirks: its oddities.
        problems: exceptions of its own, of which there must be none.
    """

    def __init__(self, quirks: Quirks, *, seed: int = 0) -> None:
        self.quirks = quirks
        self.records = Records(quirks)
        self.url = ""
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311  # no secret is made
        self._received = count(1)

    @contextmanager
    def running(self) -> Iterator[OddServer]:
        with serving(self.respond) as loopback:
            self.url, self.requests = loopback.url, loopback.requests
            yield self

    def respond(self, request: Request) -> Reply:
        with self._lock:
            if self.quirks.throttling == "now and then" and next(self._received) % 40 == 0:
                return _error(429, "slow down", headers={"Retry-After": "0"})
            try:
                reply = self._answer(request)
            except Refusal as refusal:
                reply = _error(refusal.status, refusal.detail, refusal.scim_type)
        return self._on_the_wire(reply)

    def _on_the_wire(self, reply: Reply) -> Reply:
        if reply is _HTML or reply.body is None:
            return reply
        content = reply.content
        if self.quirks.body == "byte order mark":
            content = b"\xef\xbb\xbf" + content
        kind = "text/html; charset=utf-8" if self.quirks.body == "text/html" else "application/scim+json"
        return Reply(reply.status, content, {"Content-Type": kind, **reply.headers})

    def _answer(self, request: Request) -> Reply:
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        if parts[0] not in ("Users", "Groups"):
            return self._of_itself(parts[0])
        if len(parts) == 1:
            return self._listing(parts[0], request.query) if request.method == "GET" else self._post(parts[0], request)
        return self._one(parts[0], parts[1], request)

    # Reading.

    def _listing(self, endpoint: str, query: Mapping[str, str]) -> Reply:
        if self.quirks.paging == "count is 500" and "count" in query:
            return Reply(500, b"<h1>Internal Server Error</h1>", {"Content-Type": "text/html"})
        users, groups = self.records.visible()
        rows = [
            self._show(endpoint, resource_id, row, groups)
            for resource_id, row in (users if endpoint == "Users" else groups).items()
            if not self._hidden(row)
        ]
        if "filter" in query:
            rows = self._filtered(query["filter"], rows)
        if self.quirks.order == "random":
            self._random.shuffle(rows)
        page = self._page(rows, int(query.get("startIndex", 1)), int(query.get("count", 100)))
        total = len(page) if self.quirks.total == "page" else len(rows)
        schemas = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
        return Reply(200, {"schemas": schemas, "totalResults": total, "itemsPerPage": len(page), "Resources": page})

    def _page(self, rows: list[Row], start: int, size: int) -> list[Row]:
        start = max(start, 0 if self.quirks.paging == "from 0" else 1)
        match self.quirks.paging:
            case "whole":
                return rows
            case "first 50":
                return rows[:_SHORT_PAGE]
            case "50":
                size = min(size, _SHORT_PAGE)
            case "from 0":
                start += 1
            case "past end is first" if start > len(rows):
                start = 1
        return rows[start - 1 : start - 1 + min(size, 100)]

    def _filtered(self, text: str, rows: list[Row]) -> list[Row]:
        rule = self.quirks.filters
        if rule == "ignored":
            return rows
        if rule in ("400", "501"):
            raise Refusal(int(rule), "filters are not supported", "invalidFilter")
        found = re.fullmatch(r'(\S+) eq "((?:[^"\\]|\\.)*)"', text, re.IGNORECASE)
        if found is None:
            raise Refusal(400, f"cannot read the filter {text}", "invalidFilter")
        attribute, value = found[1], json.loads(f'"{found[2]}"')
        if rule == "userName only" and attribute != "userName":
            raise Refusal(400, "only userName can be filtered", "invalidFilter")
        if rule == "externalId is 500" and attribute == "externalId":
            raise Refusal(500, "no such column: external_id")
        exact = rule == "case" or attribute == "externalId"
        matching = [row for row in rows if _same(row.get(attribute), value, exact=exact)]
        if not matching and rule == "404 for nothing":
            raise Refusal(404, "nothing found")
        return matching

    def _hidden(self, row: Row) -> bool:
        return self.quirks.inactive == "hidden" and row.get("active") is False

    def _show(self, endpoint: str, resource_id: str, row: Row, groups: Mapping[str, Row]) -> Row:
        quirks = self.quirks
        kind = endpoint.removesuffix("s")
        shown = {name: value for name, value in row.items() if name not in ("version", "members")}
        shown["id"] = self._id(resource_id)
        shown["schemas"] = [CORE + kind] + [ENTERPRISE] * (ENTERPRISE in row)
        shown["meta"] = {"resourceType": kind, "location": f"{self.url}/{endpoint}/{resource_id}"}
        if quirks.versions != "none":
            shown["meta"]["version"] = _version(row)
        if endpoint == "Groups":
            shown["members"] = [self._member(one) for one in row["members"]]
            return shown
        if quirks.user_groups == "filled":
            shown["groups"] = [
                {"value": self._id(group_id), "display": group["displayName"]}
                for group_id, group in groups.items()
                if resource_id in group["members"]
            ]
        active = row["active"]
        shown["active"] = {"text": str(active).lower(), "Text": str(active)}.get(quirks.active, active)
        if quirks.active == "missing":
            del shown["active"]
        return shown

    def _member(self, user_id: str) -> Row:
        name = self.records.users.get(user_id, {}).get("userName", "unknown")
        reference = {"$ref": f"{self.url}/Users/{user_id}", "display": name, "type": "User"}
        match self.quirks.member_names:
            case "value":
                return {"value": self._id(user_id), **reference}
            case "userName":
                return {"value": name, **reference}
            case "ref":
                return reference
            case _:
                return {"display": name}

    def _id(self, resource_id: str) -> str | int:
        return int(resource_id) if self.quirks.ids == "integer" else resource_id

    # Writing.

    def _post(self, endpoint: str, request: Request) -> Reply:
        self.records.before_a_write()
        try:
            resource_id = self.records.create(endpoint, request.json)
        except Refusal as refusal:
            if refusal.status != 409:
                raise
            return self._taken(refusal)
        location = {"Location": f"{self.url}/{endpoint}/{resource_id}"}
        shown = self._show(endpoint, resource_id, self.records.of(endpoint)[resource_id], self.records.groups)
        match self.quirks.created:
            case "Location only":
                return Reply(201, None, location)
            case "nothing":
                return Reply(201, None)
            case status:
                return Reply(int(status), shown, location)

    def _taken(self, refusal: Refusal) -> Reply:
        match self.quirks.duplicate:
            case "400":
                return _error(400, refusal.detail)
            case "500 html":
                return Reply(500, b"<h1>IntegrityError</h1>", {"Content-Type": "text/html"})
            case "409 empty":
                return Reply(409, None)
            case _:
                return _error(409, refusal.detail, refusal.scim_type)

    def _one(self, endpoint: str, resource_id: str, request: Request) -> Reply:
        visible = self.records.visible()[0 if endpoint == "Users" else 1]
        rows = visible if request.method == "GET" else self.records.of(endpoint)
        row = rows.get(resource_id)
        if row is None or self._hidden(row):
            raise Refusal(404, "not found")
        if request.method == "GET":
            return self._shown(endpoint, resource_id, row)
        self._check_version(row, request.headers.get("if-match"))
        self.records.before_a_write()
        if request.method == "DELETE":
            self.records.delete(endpoint, resource_id)
            bodies = {"200 with body": Reply(200, {"status": "deleted"}), "202": Reply(202, None)}
            return bodies.get(self.quirks.deleted, Reply(204))
        if request.method == "PUT":
            if self.quirks.put == "405":
                raise Refusal(405, "PUT is not allowed")
            self.records.replace(endpoint, resource_id, request.json)
            return self._shown(endpoint, resource_id, self.records.of(endpoint)[resource_id])
        return self._patch(endpoint, resource_id, request.json["Operations"])

    def _patch(self, endpoint: str, resource_id: str, operations: list[Row]) -> Reply:
        if self.quirks.patch != "works":
            raise Refusal(int(self.quirks.patch), "PATCH is not implemented")
        before = self._shown(endpoint, resource_id, self.records.of(endpoint)[resource_id])
        self.records.patch(endpoint, resource_id, operations)
        match self.quirks.patch_answer:
            case "204":
                return Reply(204)
            case "200":
                return self._shown(endpoint, resource_id, self.records.of(endpoint)[resource_id])
            case _:
                return before

    def _shown(self, endpoint: str, resource_id: str, row: Row) -> Reply:
        shown = self._show(endpoint, resource_id, row, self.records.visible()[1])
        return Reply(200, shown, {"ETag": _version(row)} if self.quirks.versions != "none" else {})

    def _check_version(self, row: Row, stated: str | None) -> None:
        if self.quirks.versions == "required" and stated is None:
            raise Refusal(428, "If-Match is required")
        if self.quirks.versions in ("honoured", "required") and stated not in (None, "*", _version(row)):
            raise Refusal(412, "the version is another one")

    # What it says of itself.

    def _of_itself(self, document: str) -> Reply:
        topic = {"ServiceProviderConfig": "config", "Schemas": "schemas", "ResourceTypes": "types"}.get(document)
        said = getattr(self.quirks, topic) if topic else "404"
        if said == "404":
            raise Refusal(404, "no such page")
        if said == "html":
            return _HTML
        if topic == "config":
            return Reply(200, self._config(said))
        rows = list(rfc7643_documents().values()) if topic == "schemas" else _types()
        return Reply(200, {"totalResults": len(rows), "Resources": rows})

    def _config(self, said: str) -> Row:
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": said == "boasts" or (self.quirks.patch == "works" and said != "no patch")},
            "bulk": {"supported": said in ("bulk", "boasts"), "maxOperations": 1000, "maxPayloadSize": 1_000_000},
            "filter": {"supported": said == "boasts" or self.quirks.filters not in ("400", "501"), "maxResults": 100},
            "etag": {"supported": said in ("etag", "boasts") or self.quirks.versions != "none"},
            "sort": {"supported": False},
            "changePassword": {"supported": False},
            "authenticationSchemes": [],
        }


def _types() -> list[Row]:
    extension = [{"schema": ENTERPRISE, "required": False}]
    return [
        {"id": "User", "name": "User", "endpoint": "/Users", "schema": f"{CORE}User", "schemaExtensions": extension},
        {"id": "Group", "name": "Group", "endpoint": "/Groups", "schema": f"{CORE}Group"},
    ]


def _same(held: object, value: str, *, exact: bool) -> bool:
    return isinstance(held, str) and (held == value or (not exact and held.lower() == value.lower()))


def _version(row: Row) -> str:
    return f'W/"{row["version"]}"'


def _error(status: int, detail: str, scim_type: str | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": detail}
    return Reply(status, {**body, **({"scimType": scim_type} if scim_type else {})}, headers or {})

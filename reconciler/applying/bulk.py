"""Several writes as one bulk request, and what its answer says of each of them (RFC 7644 §3.7). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from reconciler.applying.requests import Request
from reconciler.scim.answers import count, member

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a bulk answer says of one operation.

    Attributes:
        status: the HTTP status that a plain request would have been answered with.
        body: the resource, or the error (RFC 7644 §3.12); ``None`` where it is left out.
        location: the URL of the resource.
        version: its version after the operation (RFC 7644 §3.14).
    """

    status: int
    body: dict[str, Any] | None = None
    location: str | None = None
    version: str | None = None


def operation(request: Request, bulk_id: str) -> dict[str, Any]:
    """Return a write as an operation of a bulk request. ``bulk_id`` names it where it makes a resource.

    Raises:
        MalformedAnswer: the id of the resource cannot be one.
    """
    stated: dict[str, Any] = {"method": request.method, "path": request.path}
    if request.method == "POST":
        stated["bulkId"] = bulk_id
    if request.if_match is not None:
        stated["version"] = request.if_match
    if request.body is not None:
        stated["data"] = request.body
    return stated


def bulk_request(operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the body of the request. Without ``failOnErrors``, so that all operations are tried (RFC 7644 §3.7.3)."""
    return {"schemas": [BULK_REQUEST], "Operations": list(operations)}


def read_results(answer: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> list[Result | None]:
    """Return what an answer says of each operation, in their order; ``None`` where it says nothing, or two things.

    A result belongs to the operation whose ``bulkId``, or whose method and ``location``, it names. One that names
    neither belongs to the operation at its own position, provided that there are as many results as operations.

    Args:
        answer: the body of the answer.
        operations: as they were sent; no two of them about the same resource.
    """
    stated = member(answer, "Operations")
    entries = [entry for entry in stated if isinstance(entry, Mapping)] if isinstance(stated, list) else []
    by_bulk_id = {one["bulkId"]: place for place, one in enumerate(operations) if "bulkId" in one}
    by_path = {unquote(one["path"]): place for place, one in enumerate(operations) if "bulkId" not in one}
    results: list[Result | None] = [None] * len(operations)
    told: set[int] = set()
    for position, entry in enumerate(entries):
        place = _place(entry, by_bulk_id, by_path)
        if place is None and len(entries) == len(operations) and not _names_something(entry):
            place = position
        if place is None or not _same_method(entry, operations[place]):
            continue
        results[place] = _result(entry) if place not in told else None
        told.add(place)
    return results


def _place(entry: Mapping[str, Any], by_bulk_id: Mapping[str, int], by_path: Mapping[str, int]) -> int | None:
    bulk_id, location = member(entry, "bulkId"), member(entry, "location")
    if isinstance(bulk_id, str) and bulk_id in by_bulk_id:
        return by_bulk_id[bulk_id]
    if isinstance(location, str):
        # An id may hold anything but a slash, which is percent-encoded; the endpoint in front of it holds none either.
        outer, _, last = location.rstrip("/").rpartition("/")
        return by_path.get(f"/{outer.rpartition('/')[2]}/{unquote(last)}")
    return None


def _names_something(entry: Mapping[str, Any]) -> bool:
    # The answer to a creation tells where the new resource is, which nobody could know before.
    creates = _method(entry) in ("POST", None)
    return bool(member(entry, "bulkId")) or (bool(member(entry, "location")) and not creates)


def _method(entry: Mapping[str, Any]) -> str | None:
    method = member(entry, "method")
    return method.upper() if isinstance(method, str) else None


def _same_method(entry: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    return _method(entry) in (sent["method"], None)


def _result(entry: Mapping[str, Any]) -> Result | None:
    status = member(entry, "status")
    if isinstance(status, Mapping):
        # As the drafts before RFC 7644 had it, and as some servers still answer.
        status = member(status, "code")
    number = count(status)
    if number is None or not 100 <= number <= 599:
        return None
    body, location, version = (member(entry, name) for name in ("response", "location", "version"))
    return Result(
        status=number,
        body=body if isinstance(body, dict) else None,
        location=location if isinstance(location, str) and location else None,
        version=version if isinstance(version, str) and version else None,
    )

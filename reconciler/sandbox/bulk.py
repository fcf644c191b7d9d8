"""``POST /Bulk`` (RFC 7644 §3.7): many requests in one, which may refer to what others of them create."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.sandbox.directory import Directory
from reconciler.sandbox.errors import RequestRefusedError, invalid_syntax, invalid_value
from reconciler.sandbox.records import Record
from reconciler.sandbox.validation import require_schema

BULK_REQUEST_URN = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE_URN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_PREFIX = "bulkId:"
_DEEPEST = 16  # levels of a body in which a reference can be; resources have four


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    """One request of a job. ``references`` are the bulkIds that its path and data name."""

    method: str
    path: str
    kind: Kind
    resource_id: str | None
    bulk_id: str | None
    version: str | None
    data: Any
    references: frozenset[str]


@dataclass(slots=True)
class _Job:
    """What has happened so far: the ids of what was created by bulkId, and each operation's result by its place."""

    directory: Directory
    created: dict[str, str] = field(default_factory=dict)
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    errors: int = 0


def run_bulk(directory: Directory, body: object) -> dict[str, Any]:
    """Perform the operations of a bulk request and return the answer.

    An operation that refers to what a later one creates waits for that one. The results come in the order of the
    request, without those that ``failOnErrors`` kept from being tried. A result holds a ``response`` where the
    operation was refused.

    Raises:
        RequestRefusedError: the request as a whole is none, or has more operations than the dialect takes (413).
    """
    documents, fail_on_errors = _read(body, directory.behaviour.bulk_operations)
    job = _Job(directory)
    waiting: dict[int, _Operation] = {}
    for place, document in enumerate(documents):
        try:
            waiting[place] = _parse(document, directory)
        except RequestRefusedError as error:
            _refuse(job, place, document, error)
    while waiting and not _stopped(job, fail_on_errors):
        expected = {operation.bulk_id for operation in waiting.values()}
        ready = [place for place, operation in waiting.items() if not operation.references & expected]
        for place in ready or list(waiting):
            if _stopped(job, fail_on_errors):
                break
            operation = waiting.pop(place)
            _perform(job, place, operation, in_circle=not ready)
    return {"schemas": [BULK_RESPONSE_URN], "Operations": [job.results[place] for place in sorted(job.results)]}


def _read(body: object, limit: int) -> tuple[list[Any], int | None]:
    stated = {fold(name): value for name, value in require_schema(body, BULK_REQUEST_URN).items()}
    documents, fail_on_errors = stated.get("operations"), stated.get("failonerrors")
    if not isinstance(documents, list):
        raise invalid_syntax("Operations must be a list")
    if len(documents) > limit:
        # RFC 7644 §3.7.4
        raise RequestRefusedError(413, f"at most {limit} operations in one bulk request, not {len(documents)}")
    if fail_on_errors is not None and (not isinstance(fail_on_errors, int) or isinstance(fail_on_errors, bool)):
        raise invalid_syntax("failOnErrors must be a whole number")
    return documents, fail_on_errors


def _stopped(job: _Job, fail_on_errors: int | None) -> bool:
    return bool(fail_on_errors) and job.errors >= (fail_on_errors or 0)


def _parse(document: Any, directory: Directory) -> _Operation:
    if not isinstance(document, dict):
        raise invalid_syntax("every operation must be an object")
    stated = {fold(name): value for name, value in document.items()}
    method, path, bulk_id = stated.get("method"), stated.get("path"), stated.get("bulkid")
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise invalid_syntax(f"method must be one of {', '.join(_METHODS)}")
    if not isinstance(path, str):
        raise invalid_syntax("path must be a string, as /Users or /Users/ID")
    method = method.upper()
    collection, _, resource_id = path.strip("/").partition("/")
    kind = next((kind for kind in directory.behaviour.kinds if collection == f"{kind}s"), None)
    if kind is None or (method == "POST") == bool(resource_id):
        raise RequestRefusedError(404, f"there is no {method} of {path}")
    if method != "POST" and not directory.behaviour.has(method, kind):
        raise RequestRefusedError(directory.behaviour.absent_status, f"there is no {method} of {path}")
    if method == "POST" and not (isinstance(bulk_id, str) and bulk_id):
        raise invalid_syntax("POST needs a bulkId")
    version = stated.get("version")
    return _Operation(
        method=method,
        path=path,
        kind=kind,
        resource_id=resource_id or None,
        bulk_id=bulk_id if isinstance(bulk_id, str) else None,
        version=version if isinstance(version, str) else None,
        data=stated.get("data"),
        references=frozenset(_references(stated.get("data")) | _references(resource_id)),
    )


def _references(value: Any, depth: int = _DEEPEST) -> set[str]:
    if isinstance(value, str):
        return {value.removeprefix(_PREFIX)} if value.startswith(_PREFIX) else set()
    if not isinstance(value, dict | list) or depth == 0:
        return set()
    items = value.values() if isinstance(value, dict) else value
    return {name for item in items for name in _references(item, depth - 1)}


def _resolved(value: Any, resolve: Callable[[str], str], depth: int = _DEEPEST) -> Any:
    """Return a value with every reference in it replaced by the id of what was created."""
    if isinstance(value, str):
        return resolve(value.removeprefix(_PREFIX)) if value.startswith(_PREFIX) else value
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {name: _resolved(item, resolve, depth - 1) for name, item in value.items()}
    return [_resolved(item, resolve, depth - 1) for item in value] if isinstance(value, list) else value


def _perform(job: _Job, place: int, operation: _Operation, *, in_circle: bool) -> None:
    def resolve(name: str) -> str:
        if name not in job.created:
            raise invalid_value(f"{_PREFIX}{name} stands for nothing that this request created")
        return job.created[name]

    document = {"method": operation.method, "path": operation.path, "bulkId": operation.bulk_id}
    try:
        if in_circle:
            # RFC 7644 §3.7.1: a server may give up on circular references, with 409.
            raise RequestRefusedError(409, "the operation refers in a circle to others that refer to it")
        resource_id = _resolved(operation.resource_id, resolve)
        data = _resolved(operation.data, resolve) if operation.references else operation.data
        record = _send(job.directory, operation, resource_id, data)
    except RequestRefusedError as error:
        _refuse(job, place, document, error)
        return
    representation = job.directory.representation
    result: dict[str, Any] = {"method": operation.method}
    if operation.bulk_id is not None:
        result["bulkId"] = operation.bulk_id
        if record is not None:
            job.created[operation.bulk_id] = record.id
    if record is None:
        result["location"] = representation.location_of(operation.kind, resource_id)
    else:
        result["location"] = representation.location(record)
        if (version := representation.version(record)) is not None:
            result["version"] = version
    job.results[place] = result | {"status": _status(operation, job.directory)}


def _send(directory: Directory, operation: _Operation, resource_id: str, data: Any) -> Record | None:
    match operation.method:
        case "POST":
            return directory.create(operation.kind, data)
        case "PUT":
            return directory.replace(operation.kind, resource_id, data, operation.version)
        case "PATCH":
            return directory.patch(operation.kind, resource_id, data, operation.version)
    directory.delete(operation.kind, resource_id, operation.version)
    return None


def _status(operation: _Operation, directory: Directory) -> str:
    match operation.method:
        case "POST":
            return "201"
        case "PATCH":
            return "200" if directory.behaviour.patch_returns(operation.kind) else "204"
    return "200" if operation.method == "PUT" else "204"


def _refuse(job: _Job, place: int, document: Any, error: RequestRefusedError) -> None:
    """Enter a refusal as the result of an operation, as much of which is told back as can be read."""
    stated: Mapping[str, Any] = document if isinstance(document, dict) else {}
    told = {name: stated[name] for name in ("method", "bulkId") if isinstance(stated.get(name), str)}
    path = stated.get("path")
    if isinstance(path, str) and told.get("method", "").upper() != "POST" and _PREFIX not in path:
        told["location"] = f"{job.directory.representation.base_url}/{path.lstrip('/')}"
    job.results[place] = told | {"status": str(error.status), "response": error.as_json()}
    job.errors += 1

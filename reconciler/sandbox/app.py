"""The embedded directory over HTTP (RFC 7644 §3): requests in, answers and SCIM errors out. An ASGI application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.sandbox import discovery
from reconciler.sandbox.behaviour import Behaviour
from reconciler.sandbox.behaviour.definition import Conflict, Listing
from reconciler.sandbox.bulk import run_bulk
from reconciler.sandbox.directory import Directory
from reconciler.sandbox.errors import ERROR_URN, RequestRefusedError, invalid_syntax
from reconciler.sandbox.paging import page
from reconciler.sandbox.records import Record
from reconciler.sandbox.representation import Projection, encode
from reconciler.sandbox.validation import require_schema

if TYPE_CHECKING:
    from starlette.requests import Request

MEDIA_TYPE = "application/scim+json"
LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH_URN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_READABLE = (MEDIA_TYPE, "application/json")

_ONE_RESULT = {"totalResults": 1, "startIndex": 1, "itemsPerPage": 1}
_MADE_UP = {
    kind: {"schemas": [kind.schema], "id": "0", kind.naming_attribute: "placeholder", "meta": {"resourceType": kind}}
    for kind in Kind
}
"""What a listing holds that is made up: a resource that cannot be read by its id."""


def build_app(directory: Directory, base_url: str) -> Starlette:
    """Return the application that serves a directory to whoever asks; :mod:`reconciler.sandbox.gate` asks for a token.

    Args:
        directory: what to serve.
        base_url: where it will be served; its path is the dialect's ``base_path``.
    """
    resources = _Resources(directory)
    base = directory.behaviour.base_path
    routes = _discovery_routes(directory, base_url)
    for kind in directory.behaviour.kinds:
        routes += [
            Route(f"{base}/{kind}s", partial(resources.collection, kind), methods=["GET", "POST"]),
            Route(f"{base}/{kind}s/{{id}}", partial(resources.one, kind), methods=["GET", "PUT", "PATCH", "DELETE"]),
        ]
    if directory.behaviour.filters is None:
        # Where every filter is answered, so is every query.
        kinds = directory.behaviour.kinds
        for path, searched in (("", kinds), *((f"/{kind}s", (kind,)) for kind in kinds)):
            routes.insert(0, Route(f"{base}{path}/.search", partial(resources.search, searched), methods=["POST"]))
    if directory.behaviour.bulk_operations:
        routes.append(Route(f"{base}/Bulk", resources.bulk, methods=["POST"]))
    refused = partial(_refused, directory.behaviour)
    app = Starlette(
        routes=routes,
        exception_handlers={RequestRefusedError: refused, HTTPException: _not_routed, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return app


def error_response(error: RequestRefusedError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a request that is refused (RFC 7644 §3.12)."""
    return _json(error.as_json(), status=error.status, headers=headers)


def _json(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode(document), status_code=status, headers=headers, media_type=MEDIA_TYPE)


async def _refused(behaviour: Behaviour, _request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestRefusedError):
        raise error
    if error.status == 409 and behaviour.conflict is Conflict.BODILESS:
        return Response(status_code=409)
    document = error.as_json()
    if behaviour.errors_have_schema:
        document["schema"] = ERROR_URN
    return _json(document, status=error.status, headers=error.headers)


async def _not_routed(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = {404: "there is no such endpoint", 405: "the endpoint does not know this method"}
    refusal = RequestRefusedError(error.status_code, detail.get(error.status_code, error.detail))
    return error_response(refusal, headers=error.headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    return error_response(RequestRefusedError(500, "the embedded directory failed; this is a defect in it"))


def _discovery_routes(directory: Directory, base_url: str) -> list[Route]:
    behaviour = directory.behaviour
    collections = {
        "ResourceTypes": discovery.resource_types(behaviour, base_url),
        "Schemas": discovery.schemas(behaviour, base_url),
    }
    documents = {"ServiceProviderConfig": discovery.service_provider_config(behaviour, base_url)}
    for name, members in collections.items():
        documents[name] = {
            "schemas": [LIST_URN],
            "totalResults": len(members),
            "startIndex": 1,
            "itemsPerPage": len(members),
            "Resources": list(members.values()),
        }
        documents |= {f"{name}/{key}": member for key, member in members.items()}
    return [
        Route(f"{behaviour.base_path}/{path}", partial(_serve, encode(document)), methods=["GET"])
        for path, document in documents.items()
        if path.partition("/")[0] in behaviour.discovery
    ]


async def _serve(content: bytes, request: Request) -> Response:
    if "filter" in request.query_params:
        # RFC 7644 §4: these endpoints refuse a filter, so that nobody takes all for some.
        raise RequestRefusedError(403, "this endpoint takes no filter")
    return Response(content, media_type=MEDIA_TYPE)


class _Resources:
    """The endpoints of users and groups."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._behaviour = directory.behaviour
        self._representation = directory.representation

    async def collection(self, kind: Kind, request: Request) -> Response:
        """Answer requests on all resources of a kind."""
        self._admit(request)
        projection = self._projection(kind, request)
        if request.method == "POST":
            body = await self._body(request, self._behaviour.max_body_bytes)
            with self._directory.lock:
                return self._answer(self._directory.create(kind, body), projection, status=201)
        query = request.query_params
        if not query.get("filter") and self._behaviour.listing is Listing.MADE_UP:
            return Response(_listing([encode(_MADE_UP[kind])], _ONE_RESULT), media_type=MEDIA_TYPE)
        return self._search((kind,), query, {kind: projection})

    async def search(self, kinds: tuple[Kind, ...], request: Request) -> Response:
        """Answer a query that comes in a body, over one endpoint or all of them (RFC 7644 §3.4.3)."""
        self._admit(request)
        body = require_schema(await self._body(request, self._behaviour.max_body_bytes), SEARCH_URN)
        query = {
            name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in body.items()
            if value is not None
        }
        shown = (query.get("attributes"), query.get("excludedAttributes"))
        return self._search(
            kinds, query, {kind: Projection.parse(*shown, self._directory.schema(kind)) for kind in kinds}
        )

    def _search(
        self, kinds: Sequence[Kind], query: Mapping[str, str], projections: Mapping[Kind, Projection | None]
    ) -> Response:
        with self._directory.lock:
            matching = self._directory.search(kinds[0], query.get("filter"))
            for kind in kinds[1:]:
                matching = sorted(
                    (*matching, *self._directory.search(kind, query.get("filter"))), key=attrgetter("number")
                )
            found = page(kinds[0], matching, query, self._behaviour)
            return Response(
                _listing([self._listed(record, projections[record.kind]) for record in found.records], found.facts),
                media_type=MEDIA_TYPE,
            )

    async def one(self, kind: Kind, request: Request) -> Response:
        """Answer requests on one resource."""
        self._admit(request)
        if not self._behaviour.has(request.method, kind):
            raise self._absent(kind, request.method)
        projection = self._projection(kind, request)
        resource_id = request.path_params["id"]
        if_match = request.headers.get("if-match")
        limit = self._behaviour.max_body_bytes
        body = await self._body(request, limit) if request.method in ("PUT", "PATCH") else None
        with self._directory.lock:
            match request.method:
                case "PUT":
                    record = self._directory.replace(kind, resource_id, body, if_match)
                case "PATCH":
                    record = self._directory.patch(kind, resource_id, body, if_match)
                    if not self._behaviour.patch_returns(kind):
                        return Response(status_code=204, headers=self._version_header(record))
                case "DELETE":
                    self._directory.delete(kind, resource_id, if_match)
                    return Response(status_code=204)
                case _:
                    record = self._directory.read(kind, resource_id)
            return self._answer(record, projection)

    async def bulk(self, request: Request) -> Response:
        """Answer a bulk request."""
        self._admit(request)
        return _json(run_bulk(self._directory, await self._body(request, self._behaviour.bulk_bytes)))

    def _admit(self, request: Request) -> None:
        if self._behaviour.user_agent_required and not request.headers.get("user-agent"):
            raise RequestRefusedError(403, "a request needs a User-Agent header")

    def _absent(self, kind: Kind, method: str) -> RequestRefusedError:
        status = self._behaviour.absent_status
        there_are = [name for name in ("GET", "PUT", "PATCH", "DELETE") if self._behaviour.has(name, kind)]
        # RFC 9110 §15.5.6 wants to know what there is.
        headers = {"Allow": ", ".join(there_are)} if status == 405 else {}
        return RequestRefusedError(status, f"there is no {method} of {kind}s", headers=headers)

    def _projection(self, kind: Kind, request: Request) -> Projection | None:
        if not request.url.query or kind not in self._behaviour.projections:
            return None
        query = request.query_params
        schema = self._directory.schema(kind)
        return Projection.parse(query.get("attributes"), query.get("excludedAttributes"), schema)

    def _answer(self, record: Record, projection: Projection | None, status: int = 200) -> Response:
        headers = self._version_header(record)
        if status == 201:
            headers["Location"] = self._representation.location(record)
        if projection is None:
            content = self._representation.encoded(record)
        else:
            content = encode(self._representation.projected(record, projection))
        return Response(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)

    def _listed(self, record: Record, projection: Projection | None) -> bytes:
        if projection is None:
            return self._representation.listed(record)
        return encode(self._representation.projected(record, projection, listed=True))

    def _version_header(self, record: Record) -> dict[str, str]:
        version = self._representation.version(record)
        return {"ETag": version} if version else {}

    async def _body(self, request: Request, limit: int) -> object:
        """Read the body of a request as JSON."""
        media_type = request.headers.get("content-type", MEDIA_TYPE).partition(";")[0].strip()
        if fold(media_type) not in _READABLE:
            raise RequestRefusedError(415, f"the body must be {MEDIA_TYPE}")
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > limit:
                raise RequestRefusedError(413, f"a body can have at most {limit} bytes")
        try:
            return msgspec.json.decode(content)
        except RecursionError as error:
            raise invalid_syntax("the body nests too deep") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise invalid_syntax(f"the body is not JSON: {error}") from error


def _listing(resources: list[bytes], facts: Mapping[str, int | str]) -> bytes:
    """Return the body of a listing (RFC 7644 §3.4.2) from what is encoded already."""
    head = encode({"schemas": [LIST_URN], **facts})
    return b'%b,"Resources":[%b]}' % (head[:-1], b",".join(resources))

"""The embedded directory over HTTP (RFC 7644 §3): requests in, answers and SCIM errors out. An ASGI application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.sandbox import discovery
from reconciler.sandbox.directory import Directory
from reconciler.sandbox.errors import RequestRefusedError, invalid_syntax, invalid_value
from reconciler.sandbox.records import Record
from reconciler.sandbox.representation import Projection, encode

if TYPE_CHECKING:
    from starlette.requests import Request

MEDIA_TYPE = "application/scim+json"
LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_READABLE = (MEDIA_TYPE, "application/json")


def build_app(directory: Directory, base_url: str) -> Starlette:
    """Return the application that serves a directory to whoever asks; :mod:`reconciler.sandbox.gate` asks for a token.

    Args:
        directory: what to serve.
        base_url: where it will be served; its path is the dialect's ``base_path``.
    """
    resources = _Resources(directory)
    base = directory.behaviour.base_path
    routes = _discovery_routes(directory, base_url)
    for kind in Kind:
        routes += [
            Route(f"{base}/{kind}s", partial(resources.collection, kind), methods=["GET", "POST"]),
            Route(f"{base}/{kind}s/{{id}}", partial(resources.one, kind), methods=["GET", "PUT", "PATCH", "DELETE"]),
        ]
    app = Starlette(
        routes=routes,
        exception_handlers={RequestRefusedError: _refused, HTTPException: _not_routed, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return app


def error_response(error: RequestRefusedError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a request that is refused (RFC 7644 §3.12)."""
    return _json(error.as_json(), status=error.status, headers=headers)


def _json(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode(document), status_code=status, headers=headers, media_type=MEDIA_TYPE)


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestRefusedError):
        raise error
    return error_response(error)


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
        self._encoded = directory.representation.encoded

    async def collection(self, kind: Kind, request: Request) -> Response:
        """Answer requests on all resources of a kind."""
        projection = self._projection(kind, request)
        if request.method == "POST":
            body = await self._body(request)
            with self._directory.lock:
                return self._answer(self._directory.create(kind, body), projection, status=201)
        with self._directory.lock:
            return self._page(self._directory.search(kind, request.query_params.get("filter")), projection, request)

    async def one(self, kind: Kind, request: Request) -> Response:
        """Answer requests on one resource."""
        projection = self._projection(kind, request)
        resource_id = request.path_params["id"]
        body = await self._body(request) if request.method in ("PUT", "PATCH") else None
        if_match = request.headers.get("if-match")
        with self._directory.lock:
            match request.method:
                case "PUT":
                    record = self._directory.replace(kind, resource_id, body, if_match)
                case "PATCH":
                    record = self._directory.patch(kind, resource_id, body, if_match)
                    if kind is Kind.GROUP and not self._directory.behaviour.group_patch_returns_group:
                        return Response(status_code=204, headers=self._version_header(record))
                case "DELETE":
                    self._directory.delete(kind, resource_id, if_match)
                    return Response(status_code=204)
                case _:
                    record = self._directory.read(kind, resource_id)
            return self._answer(record, projection)

    def _projection(self, kind: Kind, request: Request) -> Projection | None:
        if not request.url.query:
            return None
        query = request.query_params
        schema = self._directory.schema(kind)
        return Projection.parse(query.get("attributes"), query.get("excludedAttributes"), schema)

    def _answer(self, record: Record, projection: Projection | None, status: int = 200) -> Response:
        headers = self._version_header(record)
        if status == 201:
            headers["Location"] = self._directory.representation.location(record)
        content = self._content(record, projection)
        return Response(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)

    def _version_header(self, record: Record) -> dict[str, str]:
        version = self._directory.representation.version(record)
        return {"ETag": version} if version else {}

    def _content(self, record: Record, projection: Projection | None) -> bytes:
        if projection is None:
            return self._encoded(record)
        return encode(self._directory.representation.projected(record, projection))

    def _page(self, found: Sequence[Record], projection: Projection | None, request: Request) -> Response:
        """Answer one page of a listing (RFC 7644 §3.4.2.4)."""
        limit = self._directory.behaviour.page_limit
        start = max(_integer(request, "startIndex", default=1), 1)
        count = min(max(_integer(request, "count", default=limit), 0), limit)
        page = found[start - 1 : start - 1 + count]
        head = b'{"schemas":["%b"],"totalResults":%d,"startIndex":%d,"itemsPerPage":%d,"Resources":[%b]}'
        content = b",".join([self._content(record, projection) for record in page])
        return Response(head % (LIST_URN.encode(), len(found), start, len(page), content), media_type=MEDIA_TYPE)

    async def _body(self, request: Request) -> object:
        """Read the body of a request as JSON."""
        media_type = request.headers.get("content-type", MEDIA_TYPE).partition(";")[0].strip()
        if fold(media_type) not in _READABLE:
            raise RequestRefusedError(415, f"the body must be {MEDIA_TYPE}")
        limit = self._directory.behaviour.max_body_bytes
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


def _integer(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise invalid_value(f"{name} must be a whole number") from None

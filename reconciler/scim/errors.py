"""What can go wrong between this tool and a service provider, as one small hierarchy with the facts as fields.

Messages are for the person who has to act. They never hold the token, and what a server wrote is quoted without
control characters and cut to a readable length.
"""

# ruff: noqa: N818  # What a request ended in reads better as an outcome: except Conflict, except OutcomeUnknown.

from __future__ import annotations

from collections.abc import Sequence

from reconciler.diagnostics import ReconcilerError

_LONGEST_QUOTE = 300


def printable(text: str, limit: int = _LONGEST_QUOTE) -> str:
    """Return foreign text fit for one line of a terminal, at most ``limit`` characters long.

    White space is collapsed; everything else that is unprintable, escape sequences and bidirectional controls among
    it, becomes the replacement character.
    """
    line = " ".join(text[: 4 * limit].split())
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


class ScimError(ReconcilerError):
    """Base of everything that a conversation with a service provider can end in.

    Attributes:
        method: the HTTP method, where a request was meant.
        path: the path below the base URL.
        status: the HTTP status, where there was an answer.
        scim_type: the ``scimType`` of the answer (RFC 7644 §3.12, table 9); many servers send none.
        detail: the server's own words, made printable.
        request_id: what the server called the request, where it answered and says so.
    """

    def __init__(
        self,
        message: str,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        scim_type: str | None = None,
        detail: str | None = None,
        request_id: str | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.status = status
        self.scim_type = scim_type
        self.detail = detail
        self.request_id = request_id
        request = f"{method} {path}: " if method else ""
        super().__init__(request + message)


class ConnectionFailed(ScimError):
    """No connection, or a read that stayed without an answer after all tries. Nothing was changed."""


class RequestRefused(ScimError):
    """The server understood and said no (4xx, or 501). Nothing was changed, and the same request would fail again."""


class Unauthorized(RequestRefused):
    """401 or 403: the token is wrong, has expired, or may not do this."""


class NotFound(RequestRefused):
    """404: no such resource, or no such directory."""


class Conflict(RequestRefused):
    """409, or scimType ``uniqueness``: another resource has that name, e-mail or externalId already."""


class Throttled(ScimError):
    """429 or 503 until all tries were used up. Nothing was changed."""


class ServerError(ScimError):
    """5xx on a read until all tries were used up."""


class OutcomeUnknown(ScimError):
    """A write was sent and its answer lost, so it may or may not have happened. Only reading can tell."""


class MalformedAnswer(ScimError):
    """The answer to a read is not SCIM: no JSON, an HTML page, the wrong shape, or larger than any answer should be."""


class WebPage(MalformedAnswer):
    """The answer to a read is an HTML page: some servers send their start page for whatever they do not know."""


class RedirectRefused(ScimError):
    """The server sent the request elsewhere. The token goes to no other origin, and writes follow no redirect."""


class NoListing(ScimError):
    """The service provider is known to have no listing: resources can only be asked for by a filter that names them.

    Attributes:
        endpoint: ``Users`` or ``Groups``.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        super().__init__(
            f"the directory has no listing of {endpoint} (capability paging: filter-only). It can be asked for what "
            "files name, and nothing else: write the files by hand, it cannot be imported",
            method="GET",
            path=f"/{endpoint}",
        )


class IncompleteListing(ScimError):
    """A listing that could not be proven complete. It must never be read as "the others are gone".

    Attributes:
        endpoint: ``Users`` or ``Groups``.
        reasons: what was wrong with each attempt, in order.
    """

    def __init__(self, endpoint: str, reasons: Sequence[str]) -> None:
        self.endpoint = endpoint
        self.reasons = tuple(reasons)
        tried = f" ({len(reasons)} attempts)" if len(reasons) > 1 else ""
        super().__init__(
            f"the listing of {endpoint} is not complete{tried}: {reasons[-1]}. Nothing is planned from a listing that "
            "cannot be proven complete; try again when nobody else is changing the directory",
            method="GET",
            path=f"/{endpoint}",
        )

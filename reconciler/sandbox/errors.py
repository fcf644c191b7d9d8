"""What can go wrong in the embedded directory: with a request, and with the directory itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.diagnostics import ReconcilerError

ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"


class SandboxError(ReconcilerError):
    """The embedded directory cannot start, or its seed cannot be used."""


class SeedError(SandboxError):
    """A seed that cannot be loaded.

    Attributes:
        place: where in the JSON, as ``users[3].emails``.
        problem: what is wrong there.
    """

    def __init__(self, place: str, problem: str) -> None:
        self.place = place
        self.problem = problem
        super().__init__(f"seed: {place}: {problem}")


class RequestRefusedError(ReconcilerError):
    """A request that the directory answers with an error (RFC 7644 §3.12).

    Attributes:
        status: the HTTP status.
        detail: the reason, for a person.
        scim_type: the keyword of RFC 7644 table 9, where one applies.
        headers: what the answer carries beside its body.
    """

    def __init__(
        self, status: int, detail: str, scim_type: str | None = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.headers = headers or {}
        super().__init__(detail)

    def as_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        document: dict[str, Any] = {"schemas": [ERROR_URN], "status": str(self.status)}
        if self.scim_type:
            document["scimType"] = self.scim_type
        return document | {"detail": self.detail}


def invalid_value(detail: str) -> RequestRefusedError:
    """Return the error for a value that is missing or does not fit its attribute."""
    return RequestRefusedError(400, detail, "invalidValue")


def invalid_syntax(detail: str) -> RequestRefusedError:
    """Return the error for a body that does not have the shape that the request needs."""
    return RequestRefusedError(400, detail, "invalidSyntax")


def invalid_path(detail: str) -> RequestRefusedError:
    """Return the error for a PATCH path that is malformed or names no attribute."""
    return RequestRefusedError(400, detail, "invalidPath")


def no_target(detail: str) -> RequestRefusedError:
    """Return the error for a PATCH operation that names nothing it could act on."""
    return RequestRefusedError(400, detail, "noTarget")


def immutable(detail: str) -> RequestRefusedError:
    """Return the error for a change that the attribute's mutability forbids."""
    return RequestRefusedError(400, detail, "mutability")

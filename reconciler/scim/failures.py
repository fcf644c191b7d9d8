"""Turning what went wrong on the wire into the errors of :mod:`reconciler.scim.errors`."""

from __future__ import annotations

import ssl
from codecs import BOM_UTF8
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.scim.answers import error_facts
from reconciler.scim.errors import (
    Conflict,
    ConnectionFailed,
    MalformedAnswer,
    NotFound,
    OutcomeUnknown,
    RedirectRefused,
    RequestRefused,
    ScimError,
    ServerError,
    Throttled,
    Unauthorized,
    WebPage,
    printable,
)
from reconciler.scim.request_ids import request_id

if TYPE_CHECKING:
    # Imported where it is used: a shell that completes a command line must not wait for an HTTP client.
    import httpx

_NOT_ACCEPTED = (
    "the token was not accepted. Check that it is the one of this directory, that it has not expired or been "
    "replaced, and that directory.yaml names the right source under token"
)
_NOT_ALLOWED = "the token may not do this. Check what it was made for, and that base_url names its own directory"
# OpenSSL's names for an answer that is no TLS record; older versions have the first, newer ones the second.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE")
_READ_BEFORE_RETRY = "it may have been carried out or not; only reading the resource can tell"


class Meaning(Enum):
    """What an answer says of what became of the request."""

    SUCCESS = auto()
    TURNED_AWAY = auto()
    """Nothing was done, and it may be done later."""
    UNCLEAR = auto()
    """It may have been carried out or not."""
    OTHER = auto()
    """A refusal for good, or a redirect."""


def never_sent(fault: httpx.RequestError) -> bool:
    """Tell whether a fault happened before the request left, so that any method can be tried again."""
    import httpx

    return isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)


def hopeless(fault: httpx.RequestError) -> bool:
    """Tell whether trying again cannot help: TLS does not come to an agreement, or the proxy refuses."""
    import httpx

    return isinstance(fault, httpx.ProxyError | httpx.UnsupportedProtocol) or tls_error(fault) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request, as far as errors speak of it.

    Attributes:
        method: its HTTP method.
        path: its path below the base URL, without the query.
        secret: what must not appear in any error, also not where a server sends it back.
        request_id: what the server called it, where it has answered and says so.
    """

    method: str
    path: str
    secret: str = field(repr=False)
    request_id: str | None = None

    @property
    def endpoint(self) -> str:
        """The first segment of the path: ``Users``."""
        return self.path.lstrip("/").partition("/")[0]

    def answered(self, headers: httpx.Headers) -> Exchange:
        """Return this request with what the headers of its answer call it."""
        called = request_id(headers)
        return self if called is None else replace(self, request_id=self._quote(called))

    def fault(self, fault: httpx.RequestError) -> ScimError:
        """Return the error for a request that got no whole answer."""
        import httpx

        tls = tls_error(fault)
        if tls is not None and tls.reason in _NO_TLS:
            return self._error(
                ConnectionFailed,
                "no trusted connection: what answers does not speak TLS, so this is likely a port for http. Check the "
                f"port and the scheme of base_url ({self._quote(str(tls))})",
            )
        if tls is not None:
            return self._error(
                ConnectionFailed,
                f"no trusted connection: {self._quote(str(tls))}. Certificates are always verified; "
                "SSL_CERT_FILE can name the certificates of a private authority",
            )
        if isinstance(fault, httpx.DecodingError):
            return self.unreadable(None, "its compression is broken")
        what = self._quote(str(fault)) or type(fault).__name__
        if isinstance(fault, httpx.TimeoutException):
            what = "timed out"
        if never_sent(fault):
            return self._error(ConnectionFailed, f"cannot connect: {what}. Check base_url and the network")
        if self.method == "GET":
            return self._error(ConnectionFailed, f"the connection broke before the whole answer was there: {what}")
        return self._error(OutcomeUnknown, f"the answer was lost ({what}); {_READ_BEFORE_RETRY}")

    def failure(self, status: int, content: bytes, meaning: Meaning) -> ScimError:
        """Return the error for an answer that is no success."""
        scim_type, words = error_facts(_decode(content))
        scim_type = self._quote(scim_type) if scim_type else None
        detail = self._quote(words) if words else None
        facts: dict[str, Any] = {"status": status, "scim_type": scim_type, "detail": detail}
        said = " ".join(filter(None, [str(status), scim_type])) + (f": {detail}" if detail else "")
        kind: type[ScimError]
        if meaning is Meaning.TURNED_AWAY:
            kind, message = Throttled, f"the server is still turning requests away ({said}). Nothing was changed"
        elif meaning is Meaning.UNCLEAR and self.method == "GET":
            kind, message = ServerError, f"the server failed ({said})"
        elif meaning is Meaning.UNCLEAR:
            kind, message = OutcomeUnknown, f"the server failed ({said}); {_READ_BEFORE_RETRY}"
        elif status == 401:
            kind, message = Unauthorized, f"{_NOT_ACCEPTED} ({said})"
        elif status == 403:
            kind, message = Unauthorized, f"{_NOT_ALLOWED} ({said})"
        elif status == 404:
            kind, message = NotFound, f"not found ({said}){self._whereabouts()}"
        elif status == 409 or (scim_type or "").lower() == "uniqueness":
            kind, message = Conflict, f"conflicts with another resource ({said})"
        else:
            kind, message = RequestRefused, f"the server refused ({said})"
        return self._error(kind, message, **facts)

    def body(self, status: int, content: bytes) -> dict[str, Any] | None:
        """Return the JSON object of a successful answer, ``None`` where there is none and none is needed.

        A bare list is given as ``{"Resources": list}``. Raises MalformedAnswer, for a write OutcomeUnknown, for others.
        """
        # RFC 8259 §8.1 forbids a byte order mark, and lets whoever reads ignore it: .NET writes one by default.
        content = content.removeprefix(BOM_UTF8)
        if not content.strip():
            if self.method == "GET":
                raise self.unreadable(status, "it is empty")
            return None
        try:
            body = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if content.lstrip()[:1] == b"<":
                raise self.web_page(status) from None
            raise self.unreadable(status, "it is not JSON") from None
        except RecursionError:
            raise self.unreadable(status, "it nests too deep") from None
        if isinstance(body, list):
            return {"Resources": body}
        if not isinstance(body, dict):
            raise self.unreadable(status, "it is no JSON object")
        return body

    def _whereabouts(self) -> str:
        """What to look at where it is not one resource that is not found, but an endpoint."""
        if self.method != "GET" or self.path not in ("/Users", "/Groups"):
            return ""
        groups = "; where there are no groups, write capabilities: {groups: false} under directory"
        return f". Check that base_url is the SCIM endpoint{groups if self.path == '/Groups' else ''}"

    def nobody_admitted(self) -> ScimError:
        """Return the error for a request that was not sent any more, because all others were turned away."""
        return self._error(
            Throttled, "the server is still turning requests away, so this one was not sent. Nothing was changed"
        )

    def unreadable(self, status: int | None, what: str) -> ScimError:
        """Return the error for an answer whose body is not SCIM, ``what`` saying why."""
        return self._unreadable(MalformedAnswer, status, what)

    def web_page(self, status: int) -> ScimError:
        """Return the error for an answer that is a page for people."""
        return self._unreadable(WebPage, status, "it is an HTML page")

    def _unreadable(self, kind: type[MalformedAnswer], status: int | None, what: str) -> ScimError:
        message = f"the answer ({status}) cannot be used: {what}" if status else f"the answer cannot be used: {what}"
        if self.method == "GET":
            return self._error(kind, f"{message}. Check that base_url is the SCIM endpoint", status=status)
        return self._error(OutcomeUnknown, f"{message}; {_READ_BEFORE_RETRY}", status=status)

    def redirect_refused(self, status: int, what: str) -> ScimError:
        """Return the error for a redirect that is not followed."""
        return self._error(RedirectRefused, f"{self._quote(what)}. Check base_url", status=status)

    def _error(self, kind: type[ScimError], message: str, **facts: Any) -> ScimError:
        return kind(message, method=self.method, path=self.path, request_id=self.request_id, **facts)

    def _quote(self, text: str) -> str:
        return printable(text.replace(self.secret, "[token]") if self.secret else text)


def _decode(content: bytes) -> object:
    try:
        decoded: object = msgspec.json.decode(content.removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded


def tls_error(fault: BaseException) -> ssl.SSLError | None:
    """Return the TLS error that a fault was raised from, however deep."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None

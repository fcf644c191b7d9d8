"""How a directory wants the verbs of a PATCH to be written.

RFC 7644 §3.5.2 has ``add``, ``remove`` and ``replace``. Entra ID writes them with capital letters, and a server that was
tried with nothing else may know only those: https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility
"""  # noqa: E501  # a URL

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from reconciler.applying.requests import Request
from reconciler.scim.client import ScimResponse
from reconciler.scim.errors import RequestRefused

_MOST_DOUBTS: Final = 3
_BAD_REQUEST = 400
_ABOUT_A_VERB = re.compile(r"\bops?\b|\boperations?\b|\bverb\b", re.IGNORECASE)


class Verbs:
    """Sends a refused PATCH once more with capital verbs, until it is clear what the directory wants."""

    def __init__(self) -> None:
        self._capital = False
        self._clear = False
        self._in_vain = 0

    async def send(self, request: Request, send: Callable[[Request], Awaitable[ScimResponse]]) -> ScimResponse:
        """Send a write, and return its answer. Raises what ``send`` raises."""
        if request.method != "PATCH":
            return await send(request)
        capital = self._capital
        try:
            answer = await send(_capitalised(request) if capital else request)
        except RequestRefused as refusal:
            # Others may have found out meanwhile.
            doubtful = not self._clear and self._may_be_the_verb(refusal)
            if capital or not (doubtful or self._capital):
                raise
            return await self._send_capitalised(request, refusal, send)
        self._clear = True
        return answer

    def _may_be_the_verb(self, refusal: RequestRefused) -> bool:
        said = refusal.scim_type == "invalidSyntax" or _ABOUT_A_VERB.search(refusal.detail or "")
        return refusal.status == _BAD_REQUEST and bool(said) and self._in_vain < _MOST_DOUBTS

    async def _send_capitalised(
        self, request: Request, refusal: RequestRefused, send: Callable[[Request], Awaitable[ScimResponse]]
    ) -> ScimResponse:
        try:
            answer = await send(_capitalised(request))
        except RequestRefused as second:
            if _ABOUT_A_VERB.search(refusal.detail or "") and not _ABOUT_A_VERB.search(second.detail or ""):
                # Now it understands, and has another objection.
                self._capital = self._clear = True
                raise
            self._in_vain += 1
            # What was said of the standard form is what a person can look up.
            raise refusal from None
        self._capital = self._clear = True
        return answer


def _capitalised(request: Request) -> Request:
    body = dict(request.body or {})
    body["Operations"] = [{**one, "op": str(one["op"]).capitalize()} for one in body.get("Operations", ())]
    return replace(request, body=body)

"""Taking away what a probe has made, and naming what stays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.capabilities import Capabilities
from reconciler.model import Kind
from reconciler.probing.stock import Made, Stock
from reconciler.reading.finding import endpoint_of, find
from reconciler.scim.answers import flag, member
from reconciler.scim.client import ScimClient, resource_path
from reconciler.scim.discovery import Discovery
from reconciler.scim.errors import NotFound, OutcomeUnknown, RequestRefused, ScimError


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """A throw-away resource that could not be taken away.

    Attributes:
        kind: user or group.
        name: its ``userName`` or ``displayName``.
        id: the server's id, where it is known.
        why: what speaks against it.
        by_design: whether it stays because the server never deletes, and does no more than deactivate.
    """

    kind: Kind
    name: str
    id: str | None
    why: str
    by_design: bool = False

    def __str__(self) -> str:
        where = f" (id {self.id})" if self.id else ""
        return f"{self.kind.lower()} {self.name}{where}: {self.why}"


class _Kept(Exception):  # noqa: N818  # why a resource stays, and no error
    """A resource that stays, whatever is tried again.

    Attributes:
        by_design: whether that is how the server deletes.
    """

    def __init__(self, why: str, *, by_design: bool = False) -> None:
        self.by_design = by_design
        super().__init__(why)


async def clean_up(
    client: ScimClient, discovery: Discovery, capabilities: Capabilities, stock: Stock, waits: Sequence[float]
) -> tuple[LeftBehind, ...]:
    """Delete everything that a probe has made, groups first, and return what stays. No server makes it raise.

    A resource is deleted by the id that the server gave when it was made. Where that answer was lost, it is looked for
    by its name, which nothing else in the directory has. One that does not carry the mark of this probe is left alone.

    Args:
        client: an entered client.
        discovery: the schemas by which names are compared.
        capabilities: how the directory can be asked for a name.
        stock: what was made.
        waits: seconds between two rounds over what could not be deleted.
    """
    reasons: dict[int, str] = {}
    left: list[LeftBehind] = []
    for pause in (0.0, *waits):
        if not stock.made:
            break
        await asyncio.sleep(pause)
        for made in sorted(stock.made, key=lambda one: one.kind is Kind.USER):
            try:
                await _identify(client, discovery, capabilities, stock, made)
                if made.id is not None:
                    await _delete(client, stock, made)
                stock.made.remove(made)
            except _Kept as reason:
                stock.made.remove(made)
                left.append(_left(made, str(reason), by_design=reason.by_design))
            except ScimError as reason:
                reasons[id(made)] = str(reason)
    left += [_left(made, reasons[id(made)]) for made in stock.made]
    return tuple(sorted(left, key=lambda one: (one.kind, one.name)))


def _left(made: Made, why: str, *, by_design: bool = False) -> LeftBehind:
    return LeftBehind(kind=made.kind, name=made.name, id=made.id, why=why, by_design=by_design)


async def _identify(
    client: ScimClient, discovery: Discovery, capabilities: Capabilities, stock: Stock, made: Made
) -> None:
    """Find the id of a resource whose creation was not answered; none where it was never made."""
    if made.id is None:
        known = {other.id for other in stock.made}
        attribute = made.kind.naming_attribute
        found = await find(client, made.kind, attribute, made.name, discovery.schemas, capabilities=capabilities)
        made.id = next((one.id for one in found if one.id not in known), None)


async def _delete(client: ScimClient, stock: Stock, made: Made) -> None:
    path = resource_path(endpoint_of(made.kind), made.known_id)
    row = await _row(client, path)
    if row is not None and not stock.owns(row):
        raise _Kept("what has its id now does not carry the mark of this probe, so it was left alone")
    try:
        await client.delete(path)
    except NotFound:
        return
    except RequestRefused:
        if row is None:
            return
        raise
    row = await _row(client, path)
    if row is None:
        return
    if flag(member(row, "active")) is False:
        raise _Kept("the server only deactivates it", by_design=True)
    # It may be gone soon: what reads tell can be late.
    raise OutcomeUnknown("DELETE is accepted, and it is still there")


async def _row(client: ScimClient, path: str) -> dict[str, object] | None:
    try:
        return (await client.get(path)).body
    except NotFound:
        return None

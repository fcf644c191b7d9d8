"""The guards of how much the directory can hold: a warning at 80 %, a refusal of what would not fit.

The limits are capabilities (``max_users`` and the like): the service provider's own, so that nothing lifts them for
one run. Who knows better says so under ``capabilities`` of ``directory`` in ``directory.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reconciler.model import Kind
from reconciler.planning.context import Context
from reconciler.planning.guarding.forecast import Forecast
from reconciler.planning.guarding.protection import WHERE
from reconciler.planning.plan import Verdict

_NAMED = 3
"""How many groups a warning names."""


class _Size(NamedTuple):
    """How much there is of something: before the plan, after it, and at most while it is carried out."""

    what: str
    before: int
    after: int
    peak: int
    limit: int
    group: str | None = None

    @property
    def near(self) -> bool:
        """Whether 80 % of the limit are reached."""
        return self.peak * 5 >= self.limit * 4


def judge_sizes(context: Context, forecast: Forecast) -> Iterator[Verdict]:
    """Yield a refusal for each limit that the plan would pass, and warn of those that are near.

    A directory that holds more than it is said to is only warned of, unless the plan makes it hold still more.
    """
    near: list[_Size] = []
    for size in _sizes(context, forecast):
        if size.after > size.limit and size.after > size.before:
            yield _refusal(size)
        elif size.near:
            near.append(size)
    _warn(context, [size for size in near if size.group is None])
    _warn(context, sorted((size for size in near if size.group is not None), key=lambda size: (-size.peak, size.group)))


def _sizes(context: Context, forecast: Forecast) -> Iterator[_Size]:
    capabilities, live = context.capabilities, context.live
    for kind, limit in ((Kind.USER, capabilities.max_users), (Kind.GROUP, capabilities.max_groups)):
        before = _number(context, kind)
        if limit is not None and before is not None:
            peak = before + len(forecast.created[kind])
            yield _Size(f"{kind.lower()}s", before, peak - len(forecast.deleted[kind]), peak, limit)
    added = {group: len(edges) for group, edges in forecast.added.items()}
    limit = capabilities.max_memberships
    if limit is not None and context.confinement is None:
        before = sum(len(group.members or ()) for group in live.groups)
        peak = before + sum(added.values())
        lost = sum(len(forecast.lost(group)) for group in _losing(forecast))
        yield _Size("memberships", before, peak - lost, peak, limit)
    limit = capabilities.max_group_members
    if limit is not None:
        sizes = {group.id: len(group.members) for group in live.groups if group.members}
        for group in sorted({*sizes, *added}):
            before = sizes.get(group, 0)
            peak = before + added.get(group, 0)
            if peak * 5 >= limit * 4:
                yield _Size("group_members", before, forecast.after(group), peak, limit, forecast.address(group))


def _number(context: Context, kind: Kind) -> int | None:
    """Return how many there are of a kind; ``None`` where only a part was read, and the server does not tell."""
    known = len(context.live.of_kind(kind))
    return context.live.sizes.get(kind) if context.confinement is not None and context.partial(kind) else known


def _losing(forecast: Forecast) -> Sequence[str]:
    return [*dict.fromkeys((*forecast.removed, *forecast.lost_by_deletion, *forecast.deleted[Kind.GROUP]))]


def _refusal(size: _Size) -> Verdict:
    return Verdict(
        guard=f"limits.{size.what}",
        passed=False,
        number=size.after,
        limit=f"at most {size.limit}",
        subject=size.group,
        how_to_allow=f"state `max_{size.what}` under `capabilities` of `directory` in {WHERE}, if it takes more",
    )


def _warn(context: Context, sizes: Sequence[_Size]) -> None:
    for size in sizes[:_NAMED]:
        where = size.group or "the directory"
        what = "members" if size.group else size.what
        high = max(size.after, size.peak)
        message = f"{where} holds {size.after:,} {what} after this plan"
        if high > size.limit >= size.after:
            message += f" and up to {high:,} while it is carried out, because what is new comes first"
        message += f"; the directory takes {size.limit:,} at most (`max_{size.what}`)"
        context.findings.warn("size-limit", message)
    more = len(sizes) - _NAMED
    if more > 0:
        others = "1 more group is" if more == 1 else f"{more:,} more groups are"
        context.findings.warn("size-limit", f"{others} at 80 % or more of the members that the directory takes in one")

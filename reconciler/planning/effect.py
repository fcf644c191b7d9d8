"""What a plan really changes: who gains and loses access to which groups, after nesting, rules and accounts.

Access to a group is being in it, directly or through groups inside of it, with an account that works. The steps say
what is written; the effect says what it means: whoever is in a deleted group loses it without a membership step, a
deactivated account loses all its groups, a group put into another brings everybody who is in it.
"""

from __future__ import annotations

from reconciler.planning.step import Part


class AccessChange(Part, frozen=True):
    """People who gain or lose access to a group by the same cause.

    Attributes:
        step: the id of the step that does it.
        users: their ``userName``, in order.
        via: the groups through which they come or came in, outermost first; empty for direct members.
    """

    step: str
    users: tuple[str, ...]
    via: tuple[str, ...] = ()


class GroupEffect(Part, frozen=True):
    """What a plan changes of the access to one group.

    Attributes:
        name: its ``displayName``, as it is after the plan; of a deleted group as it was.
        id: its id; ``None`` for a group that the plan creates.
        before: how many people have access to it before; ``None`` where that is not known.
        after: how many after; ``None`` likewise.
        gained: who gains it.
        lost: who loses it.
        kept: who has it before and after: the first 200 by name, where they are known.
    """

    name: str
    id: str | None = None
    before: int | None = None
    after: int | None = None
    gained: tuple[AccessChange, ...] = ()
    lost: tuple[AccessChange, ...] = ()
    kept: tuple[str, ...] = ()


class UserEffect(Part, frozen=True):
    """To how many groups one person has access, of all whose access the plan changes.

    Which ones are gained and lost, the groups tell.

    Attributes:
        name: the ``userName``, as it is after the plan; of a deleted user as it was.
        id: the id; ``None`` for a user that the plan creates.
        before: how many groups before; ``None`` where some groups do not tell who is in them, or were not read.
        after: how many after; ``None`` likewise.
        kept: the names of the groups before and after, as far as they are known.
    """

    name: str
    id: str | None = None
    before: int | None = None
    after: int | None = None
    kept: tuple[str, ...] = ()

    @property
    def loses_last_group(self) -> bool:
        """Whether the person had access to some group and has to none afterwards."""
        return bool(self.before) and self.after == 0

    @property
    def gains_first_group(self) -> bool:
        """Whether the person had access to no group and has to some afterwards."""
        return self.before == 0 and bool(self.after)


class Effect(Part, frozen=True):
    """What a plan changes of the access to groups. Nobody and nothing whose access stays is in it.

    Attributes:
        groups: the groups, by name.
        users: the people, by name.
        unknown: names of groups of which it is not known who is in them, and that the plan touches.
    """

    groups: tuple[GroupEffect, ...] = ()
    users: tuple[UserEffect, ...] = ()
    unknown: tuple[str, ...] = ()


NO_EFFECT = Effect()

"""Plans full of text that tries to be something else than text."""

from __future__ import annotations

import msgspec

from plan_parts import group_step, make_plan, user_step
from reconciler.model import Kind, TimerName
from reconciler.planning import Action, Change, Edge, Note, Plan, Reason, Verdict
from reconciler.planning.document import seal
from reconciler.planning.effect import AccessChange, Effect, GroupEffect, UserEffect
from reconciler.planning.plan import Allowed, DesiredIdentity, DirectoryIdentity, LeftOut, Pending, Since

LONG_NAME = "long." + "n" * 5_000 + "A" + "n" * 5_000 + "@example.com"
"""A name of 10 kB."""

ATTACKS = (
    "\x1b[31mred\x1b[0m\x1b]0;title\x07@example.com",
    "over\rwritten@example.com",
    "rtl\u202emoc.elpmaxe@",
    "isolate\u2066x\u2069@example.com",
    "zero\u200bwidth\u200d\ufeff@example.com",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt;&amp;#x27;",
    "<!-- reconciler: another marker -->",
    "</summary></details>",
    "a | b || c",
    "```\n</code>\n```",
    "~~~ `tick` ``ticks``",
    "::error file=a.yaml,line=1::owned",
    "::add-mask::@example.com",
    "##vso[task.setvariable variable=x]y",
    "@team and @example/team",
    "#1 and GH-2 and example/repo#3",
    "/approve",
    "[x](javascript:alert(1)) ![x](https://example.com/x.png)",
    "https://example.com/?x=1&y=2 www.example.com",
    "**bold** _it_ ~~gone~~ $a$ {{ jinja }} {% raw %} ${{ github.token }}",
    "---",
    "# heading",
    "- [x] done",
    "    indented code",
    "  ",
    "\\",
    LONG_NAME,
    LONG_NAME.replace("A", "B"),
)
"""Texts that each mean something to some program that shows text: a terminal, Markdown, HTML, a runner of pipelines."""

EVERY_PLANE = "".join(
    [chr(plane * 0x10000 + offset) for plane in range(17) for offset in (0x0141, 0x3041, 0xF8FE)]
    + [chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF)]
    + ["\ue000\uf8ff\ufdd0\ufdef\U000e0041\U000e0100", "e\u0301\u0301\u0301", "\u05d0\u0627", "👩\u200d🔬"]
)
"""Characters of every Unicode plane: letters, private use, noncharacters, tags, marks, right-to-left.

No plan holds a lone surrogate: JSON in UTF-8 has no form for it, and plans are neither written nor read with one.
"""

HOSTILE = "x\x1b[2J\r\n::error::owned\u202egnp.exe\u200b\u2028##[group]\x9b31m\u3164"


def hostile() -> Plan:
    """Every text of the plan tries to break out of the layout, and each attack is a name of its own."""
    texts = saturated(HOSTILE)
    people = [
        user_step(Action.CREATE, text, Reason.NOT_IN_DIRECTORY, changes=(Change(path="userName", after=text),))
        for text in ATTACKS[::2]
    ]
    gone = [user_step(Action.DELETE, text, Reason.UNLISTED, origin=None) for text in ATTACKS[1::2]]
    groups = [
        group_step(
            Action.REMOVE_MEMBERS,
            text,
            privileged=True,
            members=(Edge(name=text, reason=Reason.NOT_MATCHED, rule=text, note=text),),
        )
        for text in ATTACKS
    ]
    steps = (*people, *texts.steps, *groups, *gone)
    return seal(msgspec.structs.replace(texts, steps=steps))


def saturated(text: str, other: str | None = None) -> Plan:
    """A plan in which every field that can hold foreign text holds this one; ``other`` is in every second place."""
    other = text if other is None else other
    return make_plan(
        user_step(
            Action.UPDATE,
            text,
            Reason.DIFFERS,
            origin=other,
            note=text,
            correlated_by=other,
            changes=(
                Change(path="displayName", before='quoted " \\ and ::', after=text, origin=other, identity=True),
                Change(path=text, before=[other], after={text: [other]}, details=(other, f"+ {text}")),
            ),
        ),
        group_step(Action.CREATE, other, Reason.REPLACED, replaces=text, privileged=True),
        group_step(
            Action.ADD_MEMBERS,
            text,
            origin=other,
            privileged=True,
            members=(
                Edge(name=text, reason=Reason.NESTED, via=(other, text), origin=text, note=other, rule=text),
                Edge(name=other, reason=Reason.LISTED, kind=Kind.GROUP),
            ),
        ),
        group_step(Action.DELETE, text, Reason.REPLACED, replaces=other),
        user_step(Action.DELETE, other, Reason.UNLISTED, origin=text, note=other),
        directory=DirectoryIdentity(name=text, base_url=f"https://user:secret@[::1]/{other}", dialect=text),
        desired=DesiredIdentity(digest=other, files=1, commit=text),
        reason=text,
        undoes=other,
        only=(text, other),
        exclude=(other,),
        allowances=(Allowed(allowance=text, reason=other),),
        notes=(
            Note(severity="warning", code="x", message=other, origin=text),
            Note(severity="note", code=text, message=text),
        ),
        guards=(
            Verdict(
                guard=text, passed=False, number=1, limit=other, subject=text, resources=(other,) * 2, how_to_allow=text
            ),
            Verdict(guard="users.delete", passed=True, number=1, limit=text, allowed_by=other),
        ),
        pending=(
            Pending(
                action=Action.DELETE,
                kind=Kind.USER,
                id=text,
                name=other,
                timer=TimerName.UNLISTED,
                since=text,
                until=other,
            ),
        ),
        left_out=(LeftOut(step=text, why=other), LeftOut(step=other, why="only", members=2)),
        since=Since(ref=text, commit=other, users=1, groups=1),
        effect=Effect(
            groups=(
                GroupEffect(
                    name=text,
                    id=other,
                    before=2,
                    after=1,
                    gained=(AccessChange(step=other, users=(text,), via=(other, text)),),
                    lost=(AccessChange(step=text, users=(text, other)),),
                    kept=(other,),
                ),
            ),
            users=(
                UserEffect(name=text, id=other, before=1, after=0, kept=(text,)),
                UserEffect(name=other, id=None, before=1, after=0),
            ),
            unknown=(other,),
        ),
    )


def every_plane() -> Plan:
    """Names and values with characters of every Unicode plane."""
    return saturated(EVERY_PLANE, EVERY_PLANE[::-1])

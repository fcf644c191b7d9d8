"""The fault campaign: one change under every fault and under mixtures of them; nobody is harmed, and all ends well.

``FAULT_CAMPAIGN_MIXTURES=500 pytest -s tests/integration/test_fault_campaign.py`` runs a larger one and prints its
counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest

from campaign import MIXTURE, Case, Held, Oath, Tally, check_harmless, converge, seed, survive, workspace
from command_line import call, environment
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.faults import (
    ContentType,
    Fault,
    FaultRule,
    IgnoredParameters,
    LowerCaseResources,
    NoBody,
    NoScimType,
    NothingChanges,
    OverlappingPages,
    Rate,
    Reply,
    Requests,
    Reset,
    ShiftingPages,
    ShortPages,
    Slow,
    StaleReads,
    Strings,
    Throttle,
    Truncated,
    TruncatedMembers,
    When,
    WrongTotal,
)
from reconciler.sandbox.faults.waits import WaitForm
from reconciler.sandbox.server import Sandbox
from sandboxes import leaving
from thoroughness import cases

pytestmark = pytest.mark.slow

MIXTURES = int(os.environ.get("FAULT_CAMPAIGN_MIXTURES", cases(6, thorough=40)))
ANY = Requests()
READS = Requests(methods=("GET",))
WRITES = Requests(methods=("POST", "PUT", "PATCH", "DELETE"))
CREATIONS = Requests(methods=("POST",))
LISTINGS = Requests(methods=("GET",), query="startIndex")
USERS = Requests(methods=("GET",), path="/Users/*")
ALWAYS = When()
ONCE = When(count=1)
OFTEN = When(every=3)
# The client slows down for a server that turns requests away, as it should; the campaign has no time for much of that.
A_FEW_TIMES = When(skip=3, every=4, count=cases(1, thorough=3))
AT_TIMES = When(probability=0.2)


def rule(fault: Fault, requests: Requests = ANY, when: When = ALWAYS) -> FaultRule:
    return FaultRule(fault=fault, requests=requests, when=when)


SINGLE: dict[str, FaultRule] = {
    **{f"429, {form}": rule(Throttle(header=form), when=A_FEW_TIMES) for form in get_args(WaitForm)},
    "429 for ever": rule(Throttle(header="none"), WRITES, When(skip=5)),
    "503 with a wait": rule(Throttle(status=503), when=A_FEW_TIMES),
    "throttling that looks like a failure": rule(Throttle(status=500, header="none"), when=AT_TIMES),
    "a rate": rule(Rate(requests=100, burst=3, header="reset_seconds", announce=True)),
    **{f"{status} at times": rule(Reply(status=status), when=AT_TIMES) for status in (500, 502, 504, 403)},
    "503 at times": rule(Reply(status=503), when=A_FEW_TIMES),
    **{
        f"{status} after the write": rule(Reply(status=status, took_effect=True), WRITES, AT_TIMES)
        for status in (500, 504)
    },
    "503 after the write": rule(Reply(status=503, took_effect=True), WRITES, A_FEW_TIMES),
    "404 for what is there": rule(Reply(status=404), USERS, AT_TIMES),
    "a token that expires": rule(Reply(status=401), when=When(skip=25)),
    "reset before the write": rule(Reset(), WRITES, AT_TIMES),
    "reset after the write": rule(Reset(took_effect=True), WRITES, AT_TIMES),
    "reset after every creation": rule(Reset(took_effect=True), CREATIONS),
    "reset of reads": rule(Reset(), READS, AT_TIMES),
    "slow bodies": rule(Slow(first_byte=0.01, body=0.01), when=OFTEN),
    "truncated, whole length": rule(Truncated(), when=AT_TIMES),
    "truncated, kept length": rule(Truncated(length="kept"), when=AT_TIMES),
    "called HTML": rule(ContentType(value="text/html")),
    "HTML error pages": rule(Reply(status=502, body="html"), when=AT_TIMES),
    "HTML with 200 instead of a write": rule(Reply(status=200, body="html"), WRITES, AT_TIMES),
    "HTML with 200 after the write": rule(Reply(status=200, body="html", took_effect=True), WRITES, AT_TIMES),
    "HTML with 200 for reads": rule(Reply(status=200, body="html"), READS, AT_TIMES),
    **{
        f"totalResults {form}, {name}": rule(WrongTotal(form=form), LISTINGS, when)
        for form in ("higher", "lower", "page", "missing", "string")
        for name, when in {"once": ONCE, "always": ALWAYS}.items()
    },
    "short pages": rule(ShortPages(rows=2)),
    "overlapping pages": rule(OverlappingPages()),
    "overlapping pages, once": rule(OverlappingPages(), when=ONCE),
    **{f"pages shift: {change}": rule(ShiftingPages(change=change), LISTINGS) for change in ("come", "go", "swap")},
    "true and 42 as strings": rule(Strings()),
    "True as a string": rule(Strings(booleans="capital", numbers=False)),
    "resources": rule(LowerCaseResources()),
    "204 for every write": rule(NoBody(status=204), WRITES),
    "200 without a body for every write": rule(NoBody(), WRITES),
    "reads without a body": rule(NoBody(), READS, AT_TIMES),
    "seen one read late": rule(StaleReads(reads=1)),
    "seen four reads late": rule(StaleReads(reads=4)),
    "seen twenty reads late": rule(StaleReads(reads=20)),
    "writes that change nothing": rule(NothingChanges()),
    "some writes change nothing": rule(NothingChanges(), when=AT_TIMES),
    "one member at a time": rule(TruncatedMembers(at=1)),
    "no members at all": rule(TruncatedMembers(at=0)),
    "filters ignored": rule(IgnoredParameters()),
    "startIndex ignored": rule(IgnoredParameters(names=("startIndex",))),
    "count ignored": rule(IgnoredParameters(names=("count",))),
}
"""Every kind of fault, in the forms that matter."""

UNSEEN = (
    rule(Reset(took_effect=True), Requests(methods=("POST",), path="/Users"), When(count=3)),
    rule(StaleReads(reads=12), CREATIONS),
)
"""Users that are created, and nobody is told, and nobody sees them: the second try is a conflict."""

TOGETHER: dict[str, tuple[FaultRule, ...]] = {
    "conflicts without a body": (rule(NoBody(answered=(409,))), *UNSEEN),
    "conflicts without a scimType": (rule(NoScimType()), *UNSEEN),
    "a lost creation that nobody sees yet": (
        rule(Reset(took_effect=True), CREATIONS),
        rule(StaleReads(reads=4), CREATIONS),
    ),
    "a lost write behind a rate": (
        rule(Rate(requests=500, burst=5, header="none")),
        rule(Reset(took_effect=True), WRITES, AT_TIMES),
    ),
    "a listing that lies, in strings, on short pages": (
        rule(Strings()),
        rule(ShortPages(rows=4)),
        rule(WrongTotal(form="page"), LISTINGS, AT_TIMES),
    ),
}
"""What is worse together."""


def mixtures(pool: Sequence[FaultRule], number: int, first: int = 0) -> Iterator[Case]:
    """Yield cases of two to four faults each, with chance in all of them; equal seeds give equal cases."""
    methods: tuple[tuple[str, ...], ...] = ((), ("GET",), ("POST", "PATCH", "PUT", "DELETE"), ("POST",), ("PATCH",))
    for index in range(first, first + number):
        chance = Random(f"mixture {index}")  # noqa: S311  # has to repeat, not to be secret
        rules = tuple(
            replace(
                rule,
                requests=replace(rule.requests, methods=rule.requests.methods or chance.choice(methods))
                if rule.requests == Requests()
                else rule.requests,
                when=When(
                    skip=chance.choice((0, 3, 10, 30)),
                    probability=chance.choice((0.05, 0.15, 0.4)),
                    # The client slows down for a server that turns requests away; there is no time for much of that.
                    count=3 if getattr(rule.fault, "status", None) in (429, 503) else None,
                ),
            )
            for rule in chance.sample(list(pool), chance.randint(2, 4))
        )
        yield Case(
            name=f"{MIXTURE} {index}",
            rules=rules,
            seed=index,
            dialect=chance.choice(("generic", "atlassian")),
            unlisted=chance.choice(("deactivate", "delete")),
            page=chance.choice((5, 10, 100)),
            faulty_runs=chance.choice((1, 2)),
        )


CASES: list[Any] = [
    *(Case(name=name, rules=(one,)) for name, one in SINGLE.items()),
    *(Case(name=name, rules=rules) for name, rules in TOGETHER.items()),
    Case(name="slower than we wait", rules=(rule(Slow(first_byte=0.6), WRITES, When(every=10)),), timeout=0.4),
    *mixtures(list(SINGLE.values()), MIXTURES),
]


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Count over all cases, and print it at the end."""
    counts = Tally()
    yield counts
    print(f"\n{counts}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_harmed_and_two_healthy_runs_are_enough(case: Case, tmp_path: Path, tally: Tally) -> None:
    survive(case, tmp_path, tally)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("reset after the write", 0, ""),
        ("a token that expires", 5, "the token was not accepted"),
        ("pages shift: go", 1, "totalResults changed"),
    ],
)
def test_the_command_tells_what_went_wrong_and_the_next_one_goes_on(
    tmp_path: Path, name: str, code: int, said: str
) -> None:
    case = Case(name=name, rules=(SINGLE[name],), page=10)
    with leaving(
        Sandbox(replace(behaviour("generic"), page_limit=10), seed=seed(), record=True, faults=case.rules)
    ) as sandbox:
        oath = Oath(Held.of(sandbox), case)
        scenario = workspace(tmp_path, sandbox, case)
        env = environment(SCIM_BASE_URL=sandbox.base_url, SCIM_TOKEN=sandbox.token)
        apply = ["apply", "--auto-approve", "-C", str(tmp_path)]

        done = call(apply, env=env)
        assert done.code == code, done.stderr
        assert said in done.stdout + done.stderr
        assert "bug in reconciler" not in done.stderr
        check_harmless(sandbox, oath)

        sandbox.use_faults([])
        assert call(apply, env=env).code == 0
        check_harmless(sandbox, oath)
        assert converge(scenario, sandbox, oath, case) == 0

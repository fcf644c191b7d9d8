"""One probe: every experiment in its order, and cleaning up whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reconciler.applying import StopSignal
from reconciler.applying.settling import SETTLING_SECONDS
from reconciler.capabilities import AttributeRule
from reconciler.diagnostics import ReconcilerError
from reconciler.probing.bench import Bench
from reconciler.probing.cleaning import LeftBehind, clean_up
from reconciler.probing.errors import Stopped
from reconciler.probing.experiments import attributes, creating, deleting, filters, members, names, paging, writing
from reconciler.probing.seen import Experiment
from reconciler.probing.stock import Stock
from reconciler.scim.client import ScimClient
from reconciler.scim.discovery import Discovery
from reconciler.scim.errors import ConnectionFailed, RequestRefused, ScimError, Throttled

EXPERIMENTS: Final = (
    Experiment(question="Can users be created?", answer=creating.users_are_created),
    Experiment(question="Which filters on users are honoured?", answer=filters.user_filters),
    Experiment(question="What may a filter be made of?", answer=filters.filter_operators),
    Experiment(question="How are listings walked?", answer=paging.paging),
    Experiment(question="How large is a page?", answer=paging.page_size),
    Experiment(question="Can users be changed by PATCH?", answer=writing.patching_users),
    Experiment(question="Can users be changed by PUT?", answer=writing.putting_users),
    Experiment(question="Can groups be created?", answer=creating.groups_are_created, groups=True),
    Experiment(question="Which filters on groups are honoured?", answer=filters.group_filters, groups=True),
    Experiment(question="How are members added?", answer=members.adding, groups=True),
    Experiment(question="How are members read?", answer=members.reading, groups=True),
    Experiment(question="Can members be left out of answers?", answer=members.excluding, groups=True),
    Experiment(question="How are members removed?", answer=members.removing, groups=True),
    Experiment(question="Can several members be removed at once?", answer=members.removing_several, groups=True),
    Experiment(question="Can several members be added at once?", answer=members.adding_several, groups=True),
    Experiment(question="What does adding a member twice do?", answer=members.adding_twice, groups=True),
    Experiment(question="What does PUT of a group do to its members?", answer=members.putting, groups=True),
    Experiment(question="Can groups be renamed?", answer=writing.renaming_groups, groups=True),
    Experiment(question="Can a group be a member of a group?", answer=members.nesting, groups=True),
    Experiment(question="What has to be unique?", answer=names.unique_keys),
    Experiment(question="Does letter case count in the names of users?", answer=names.case_of_users),
    Experiment(question="Does letter case count in the names of groups?", answer=names.case_of_groups, groups=True),
    Experiment(question="Which attributes are kept as written?", answer=attributes.stored),
    Experiment(question="What does deactivating a user rewrite?", answer=attributes.deactivation),
    Experiment(question="Can users be renamed?", answer=writing.renaming_users),
    Experiment(question="Is If-Match honoured?", answer=writing.versions),
    Experiment(question="Does bulk work?", answer=writing.bulk),
    Experiment(question="What does DELETE of a user do?", answer=deleting.deleting_users),
)
"""Every question, in the order in which later ones build on earlier ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of one experiment.

    Attributes:
        question: what was asked.
        seen: what was seen, or why nothing could be.
        determined: whether there is an answer.
        states: the value of each capability that follows, by its name.
        rules: what follows for single attributes.
    """

    question: str
    seen: str
    determined: bool = True
    states: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[AttributeRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a probe has found out, and what it leaves behind.

    Attributes:
        mark: how the names of everything that it made begin.
        findings: one for each experiment, in order.
        left_behind: what could not be cleaned up.
        stopped: why it ended early; ``None`` where it did not.
        by_user: whether the user asked for that.
    """

    mark: str
    findings: tuple[Finding, ...]
    left_behind: tuple[LeftBehind, ...] = ()
    stopped: str | None = None
    by_user: bool = False

    @property
    def states(self) -> dict[str, tuple[Any, str]]:
        """The value of each capability that was determined, with what was seen."""
        found: dict[str, tuple[Any, str]] = {}
        for finding in self.findings:
            for name, value in finding.states.items():
                # Two experiments may bound the same number, and only the lower bound is safe.
                if name in found and isinstance(value, int) and not isinstance(value, bool) and found[name][0] <= value:
                    continue
                found[name] = (value, finding.seen)
        return found

    @property
    def rules(self) -> dict[AttributeRule, str]:
        """What holds of attributes in spite of ``/Schemas``, with what was seen."""
        return {rule: finding.seen for finding in self.findings for rule in finding.rules}


def announcement(stock: Stock, *, groups: bool) -> str:
    """Return what a probe is about to do, for the person who has to agree."""
    things = "users and groups" if groups else "users"
    return (
        f"The probe creates throw-away {things} named {stock.mark}-…, with e-mail addresses in "
        f"{stock.email_domain}, changes and deletes them, and touches nothing else. A directory that never really "
        "deletes users keeps some of them, inactive; they are named at the end."
    )


async def probe(
    client: ScimClient,
    discovery: Discovery,
    stock: Stock,
    *,
    stop: StopSignal | None = None,
    waits: Sequence[float] = SETTLING_SECONDS,
    on_finding: Callable[[Finding, int, int], None] | None = None,
    experiments: Iterable[Experiment] = EXPERIMENTS,
) -> Probe:
    """Find out what a service provider can do by harmless experiments, and clean up after them.

    Args:
        client: an entered client.
        discovery: what the server says of itself, under its dialect.
        stock: names what is made, and keeps it in mind.
        stop: ends it before the next request; it still cleans up.
        waits: seconds before each further look at something that may come late.
        on_finding: told of each experiment, with how many are done and how many there are.
        experiments: the questions.

    Returns:
        What was found. Failures of the server are in it, and no exception.
    """
    bench = Bench(client, discovery, stock, stop or StopSignal(), waits)
    asked = [one for one in experiments if discovery.capabilities.groups or not one.groups]
    findings: list[Finding] = []
    stopped: str | None = None
    by_user = False
    left: tuple[LeftBehind, ...] = ()
    try:
        for experiment in asked:
            if experiment.groups and not bench.facts.capabilities.groups:
                continue
            found = await _carry_out(bench, experiment)
            findings.append(found)
            if on_finding is not None:
                on_finding(found, len(findings), len(asked))
            if not bench.facts.users:
                stopped = found.seen
                break
    except Stopped as end:
        stopped, by_user = str(end), True
    except ScimError as error:
        stopped = str(error)
    finally:
        # Also where this task is cancelled: the cancellation is over once it was raised.
        left = await clean_up(client, discovery, bench.facts.capabilities, stock, waits)
    answered = {found.question for found in findings}
    findings += [
        Finding(question=one.question, seen="not asked", determined=False)
        for one in asked
        if one.question not in answered and (bench.facts.capabilities.groups or not one.groups)
    ]
    return Probe(mark=stock.mark, findings=tuple(findings), left_behind=left, stopped=stopped, by_user=by_user)


async def _carry_out(bench: Bench, experiment: Experiment) -> Finding:
    """Ask one question. Raises Stopped, and ScimError where no other question would be answered either."""
    try:
        seen = await experiment.answer(bench)
    except (Stopped, ConnectionFailed, Throttled):
        raise
    except ReconcilerError as reason:
        if isinstance(reason, RequestRefused) and reason.status == 401:
            raise
        return Finding(question=experiment.question, seen=str(reason), determined=False)
    known = bench.facts.capabilities
    bench.facts.capabilities = replace(known, **seen.states)
    return Finding(question=experiment.question, seen=seen.text, states=seen.states, rules=seen.rules)

"""Every dialect converges with its own rules kept; taken for an unknown server, it converges or says why it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dialect_rules import violations
from every_dialect import (
    GROUP_OF_STRANGER,
    OURS,
    SEED,
    Done,
    Held,
    Stage,
    apply,
    check_harmless,
    check_wanted,
    stages,
)
from reconciler.sandbox.behaviour import behaviour, dialects
from reconciler.sandbox.behaviour.definition import Behaviour, MembersShown
from reconciler.sandbox.server import Sandbox
from reconciler.scim.dialects import load_dialect
from sandboxes import leaving
from thoroughness import THOROUGH, cases
from whole_way import Product, Row, Workspace

pytestmark = pytest.mark.slow

BY_NAME = ("gitlab", "snowflake")


def one_value_each(user: Row) -> Row:
    """AWS keeps one e-mail, one phone number and one address."""
    return {**user, **{name: user[name][:1] for name in ("emails", "phoneNumbers", "addresses")}}


def in_milliseconds(dialect: str) -> list[dict[str, Any]]:
    """The paces that a dialect asks for, a thousand times as fast."""
    rates = load_dialect(dialect).capabilities["rates"].value
    return [
        {
            "requests": rate.requests,
            "seconds": rate.seconds / 1000,
            "methods": list(rate.methods),
            "endpoints": list(rate.endpoints),
            **({"burst": rate.burst} if rate.burst is not None else {}),
        }
        for rate in rates
    ]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is particular of a dialect's scenario.

    Attributes:
        user: what the provider can keep of a user.
        rules: how the sandbox differs from its dialect.
        capabilities: what ``directory.yaml`` states.
        not_planned: attributes that the provider does not have.
        not_kept: attributes that are found to be stored otherwise, in any stage.
    """

    user: Callable[[Row], Row] = lambda user: user
    rules: Mapping[str, Any] = field(default_factory=dict)
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    not_planned: tuple[str, ...] = ()
    not_kept: frozenset[str] = frozenset()


# So short that the scenario goes beyond a page and a batch.
FEW = cases(4, thorough=10)
SHORT: Mapping[str, Any] = {"page_limit": FEW, "max_members": FEW}
SHORT_BATCHES = {"max_members_per_patch": FEW, "max_operations_per_patch": FEW}
CASES: Mapping[str, Case] = {
    "atlassian": Case(not_planned=("addresses", "profileUrl", "employeeNumber", "manager.value")),
    "aws-identity-center": Case(
        user=one_value_each, rules={"cursor_limit": FEW}, capabilities={"page_size": FEW, "group_page_size": FEW}
    ),
    # That it keeps deleted users, as this one does, its dialect does not say: it is found out.
    "hcp-terraform": Case(not_kept=frozenset({""})),
    "miro": Case(capabilities={"rates": in_milliseconds("miro")}),
    "slack": Case(capabilities={"rates": in_milliseconds("slack")}),
}


@contextmanager
def opened(folder: Path, rules: Behaviour, user: Callable[[Row], Row]) -> Iterator[tuple[Workspace, Sandbox]]:
    seed = {**SEED, **(GROUP_OF_STRANGER if rules.groups else {})}
    with leaving(Sandbox(rules, seed=seed, record=True)) as sandbox:
        yield Workspace(folder, sandbox.base_url, sandbox.token, Product(user=user), scope=OURS), sandbox


def applied(workspace: Workspace, sandbox: Sandbox, stage: Stage) -> Done:
    """Apply a stage, and prove that it did no harm."""
    before = Held.of(sandbox)
    done = apply(workspace, stage)
    check_harmless(before, Held.of(sandbox), stage)
    return done


def wanted(workspace: Workspace, stage: Stage) -> dict[str, Row]:
    return {external_id: workspace.product.user(row) for external_id, row in stage.people.items()}


@pytest.mark.parametrize("dialect", dialects())
def test_every_dialect_converges_within_its_own_rules(dialect: str, tmp_path: Path) -> None:
    case = CASES.get(dialect, Case())
    rules = replace(behaviour(dialect), **{**SHORT, **case.rules})
    by_name = dialect in BY_NAME
    with opened(tmp_path, rules, case.user) as (workspace, sandbox):
        workspace.dialect = dialect
        workspace.product = Product(user=case.user, capabilities={**SHORT_BATCHES, **case.capabilities})
        not_kept = set[str]()
        for stage in stages(groups=rules.groups, by_name=by_name):
            done = applied(workspace, sandbox, stage)
            assert done.converged, (stage.name, done)
            not_kept |= done.not_kept
            told = " ".join(done.told.get("not-planned", ()))
            assert all(name in told for name in case.not_planned), told
            assert bool(told) == bool(case.not_planned), told
            held = Held.of(sandbox)
            check_wanted(held, stage, rules.user_delete, by_name=by_name, adapted=wanted(workspace, stage))
        assert not_kept == case.not_kept
        assert violations(sandbox.requests, done.capabilities) == []


WHY = {
    "atlassian": "displayName of a group cannot change|is kept by the directory itself|changed since it was planned",
    "aws-identity-center": "no form that is known adds members",
    "github-emu": r"means the live User '\w+_acme' .* outside scope\.users",
    "gitlab": "there is no such endpoint|a filter that names one resource is required",
}
"""Why a server of which nothing is known beforehand does not converge, where it does not."""


@pytest.mark.parametrize(
    "dialect",
    sorted({*dialects()} - {"generic"} if THOROUGH else {"atlassian", "aws-identity-center", "databricks", "miro"}),
)
def test_taken_for_an_unknown_server_it_converges_or_says_why_and_harms_nobody(dialect: str, tmp_path: Path) -> None:
    rules = replace(behaviour(dialect), **SHORT)
    refused = 0
    with opened(tmp_path, rules, CASES.get(dialect, Case()).user) as (workspace, sandbox):
        for stage in stages(groups=rules.groups, count=cases(11, thorough=14)):
            start = len(sandbox.requests)
            done = applied(workspace, sandbox, stage)
            if dialect in WHY:
                refused += not done.converged
                why = done.refusal or " ".join(done.failed.values())
                assert done.converged or re.search(WHY[dialect], why), why
            else:
                assert done.converged, (stage.name, done)
                held = Held.of(sandbox)
                check_wanted(held, stage, rules.user_delete, by_name=False, adapted=wanted(workspace, stage))
            assert violations(sandbox.requests[start:], done.capabilities, learns=True) == []
    assert bool(refused) == (dialect in WHY)


@pytest.mark.parametrize("shown", [MembersShown.EMPTY, MembersShown.NEVER])
def test_an_unknown_server_that_hides_members_loses_none(shown: MembersShown, tmp_path: Path) -> None:
    rules = replace(behaviour("generic"), members_shown=shown, user_groups=False)
    with opened(tmp_path, rules, lambda user: user) as (workspace, sandbox):
        for stage in list(stages(count=10))[:2]:
            done = applied(workspace, sandbox, stage)
            assert "was accepted and changed nothing" in " ".join(done.failed.values())

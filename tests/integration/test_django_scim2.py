"""The convergence scenario against ``django-scim2``: what a typical product ships that takes the library as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.applying.outcome import Status
from third_party import django_scim2
from thoroughness import cases
from whole_way import Convergence, Product, Workspace, fill_and_empty_a_large_group

pytestmark = pytest.mark.slow


def kept(user: dict[str, Any]) -> dict[str, Any]:
    """Return what a Django user has columns for: of e-mail addresses there is one, and it has no type."""
    first = user["emails"][0]
    address = {"value": first if isinstance(first, str) else first["value"], "primary": True}
    columns: dict[str, Any] = {
        name: user[name] for name in ("userName", "externalId", "name", "active") if name in user
    }
    return {**columns, "emails": [address]}


PRODUCT = Product(user=kept)


def test_everything_that_django_keeps_converges(tmp_path: Path) -> None:
    with django_scim2() as (base_url, token):
        Convergence(Workspace(tmp_path, base_url, token, PRODUCT), count=cases(14, thorough=30)).run()


def test_what_django_does_not_keep_is_told_once_and_not_planned_for_ever(tmp_path: Path) -> None:
    with django_scim2() as (base_url, token):
        workspace = Workspace(tmp_path, base_url, token)
        scenario = Convergence(workspace, count=20)
        workspace.state([scenario.user(number) for number in range(scenario.count)], [])
        statuses = {outcome.status for outcome in workspace.apply().outcomes}
        assert statuses == {Status.DIFFERS}
        left = workspace.plan()
        assert left.steps == ()
        told = "\n".join(note.message for note in left.notes)
        for attribute in ("title", "phoneNumbers", "displayName", "emails", "department", "employeeNumber"):
            assert attribute in told


def test_one_large_group_is_filled_and_emptied(tmp_path: Path) -> None:
    with django_scim2() as (base_url, token):
        stated = replace(PRODUCT, capabilities={"member_remove": "value-array"})
        fill_and_empty_a_large_group(Workspace(tmp_path, base_url, token, stated), cases(150, thorough=1000))

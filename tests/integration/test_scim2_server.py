"""The convergence scenario against ``scim2-server``, a directory that others wrote, in each of its degraded modes."""

from __future__ import annotations

from pathlib import Path

import pytest

from third_party import SCIM2_SERVER_MODES, scim2_server
from thoroughness import THOROUGH, cases
from whole_way import Convergence, Product, Workspace, fill_and_empty_a_large_group

pytestmark = pytest.mark.slow


# More than a page where pages are short, and more than goes into one PATCH where everything is offered.
USERS = {"all-features": 110} if THOROUGH else {}
BATCHES = {} if THOROUGH else {"all-features": {"max_members_per_patch": 5, "max_operations_per_patch": 5}}


@pytest.mark.parametrize("mode", [None, *SCIM2_SERVER_MODES], ids=["as-shipped", *SCIM2_SERVER_MODES])
def test_everything_that_a_workspace_can_state_converges(mode: str | None, tmp_path: Path) -> None:
    with scim2_server(mode) as (base_url, token):
        product = Product(capabilities=BATCHES.get(mode or "", {}))
        Convergence(
            Workspace(tmp_path, base_url, token, product), count=USERS.get(mode or "", cases(14, thorough=52))
        ).run()


def test_one_large_group_is_filled_and_emptied(tmp_path: Path) -> None:
    with scim2_server("all-features") as (base_url, token):
        fill_and_empty_a_large_group(Workspace(tmp_path, base_url, token), cases(220, thorough=1000))

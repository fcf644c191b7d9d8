from __future__ import annotations

import pytest

from reconciler.planning import Action, Edge, Reason
from reconciler.rendering.words import counted, reason_of_edge, reason_of_step
from sample_plans import user_step


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    step = reason_of_step(user_step(Action.UPDATE, "ada@example.com", reason))
    edge = reason_of_edge(Edge(name="ada@example.com", reason=reason, via=("team-core",)))
    assert "_" not in step + edge
    assert step
    assert "via team-core" in edge


def test_how_a_resource_was_found_is_told_where_it_was_not_by_its_name() -> None:
    by_name, by_id = (
        user_step(Action.UPDATE, "ada@example.com", Reason.DIFFERS, correlated_by=by) for by in ("userName", "id")
    )
    assert reason_of_step(by_name) == "differs"
    assert reason_of_step(by_id) == "differs, found by id"


def test_one_is_singular() -> None:
    assert (counted(0, "user"), counted(1, "user"), counted(1000, "user")) == ("0 users", "1 user", "1,000 users")

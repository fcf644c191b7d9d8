"""The promise of an import: loaded again and planned against the same directory, there is nothing to do."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live_states import as_sent, imported, live_states, next_plan
from reconciler.importing import Split
from reconciler.model import Live
from thoroughness import cases


@settings(
    max_examples=cases(40, thorough=200),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(live=live_states(), split=st.sampled_from(Split))
def test_an_import_is_loaded_without_a_problem_and_its_plan_is_empty(live: Live, split: Split) -> None:
    before = as_sent(live)
    with TemporaryDirectory() as folder:
        imported(live, Path(folder), split)
        planned = next_plan(live, Path(folder))
    assert planned.steps == ()

    assert as_sent(live) == before

from __future__ import annotations

from collections.abc import Iterator

import pytest

from code_hosts import HOSTS, At, Desk, open_desks


@pytest.fixture
def at() -> Iterator[At]:
    """Start a fake host; whatever it was asked and not made for is an error at the end of the test."""
    with open_desks() as start:
        yield start


@pytest.fixture(params=HOSTS)
def desk(request: pytest.FixtureRequest, at: At) -> Desk:
    """Every test of it runs at both hosts."""
    return at(request.param)

"""What it costs to see that nothing is created twice where names are not unique and the directory ignores filters."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from loopback import Reply, Request
from meddler import Forward, Interpose

COUNT = 50
OTHERS = 120
PAGES = 2


def ignoring_filters(request: Request, forward: Forward) -> Reply:
    return forward(replace(request, target=request.target.partition("&filter=")[0]))


@pytest.mark.parametrize(
    ("stated", "attributes"),
    [
        pytest.param("", 1, id="by name"),
        pytest.param(", externalId: g-{}", 2, id="by externalId, then by name"),
    ],
)
def test_fifty_creations_read_a_directory_that_ignores_filters_twice_per_attribute(
    between: Interpose, stated: str, attributes: int
) -> None:
    made = between(ignoring_filters, seed={"groups": [{"displayName": f"other-{number}"} for number in range(OTHERS)]})
    made.scenario.unlisted = ("ignore", "ignore")
    # Several at once make groups while others list them, and a listing that moves is read again.
    made.scenario.concurrency = 1
    groups = "".join(f"  - {{displayName: team-{number}{stated.format(number)}}}\n" for number in range(COUNT))
    planned = made.scenario.write(f"groups:\n{groups}").plan()

    assert made.scenario.apply_to(planned, made.direct.live()).complete

    asked = Counter(
        (request.query["filter"].partition(" ")[0], request.query["startIndex"])
        for request in made.sent("GET", "/Groups")
        if "filter" in request.query
    )
    assert len(asked) == attributes * PAGES
    assert set(asked.values()) == {2}
    assert len(made.direct.live().groups) == OTHERS + COUNT

"""docs/safety.md, bad reads: what comes back is not what the directory holds."""

from __future__ import annotations

from collections.abc import Callable

from disasters import APPLY, Case, Resource, Rewritten, people, user
from reconciler.model import Kind
from reconciler.sandbox.faults import (
    FaultRule,
    IgnoredParameters,
    Reply,
    Requests,
    ShiftingPages,
    Truncated,
    When,
    WrongTotal,
)

LISTED = Requests(methods=("GET",), path="/Users")
LATER_PAGES = Requests(methods=("GET",), path="/Users", query="startIndex=11&")
SMALL_PAGES = {"page_size": 10}


def but(**told: object) -> Rewritten:
    return Rewritten(change=lambda document: document | told)


def test_a_page_that_is_lost(case: Case) -> None:
    case.state(capabilities=SMALL_PAGES)
    case.fails(FaultRule(fault=but(Resources=[]), requests=LATER_PAGES))
    case.stops()


def test_a_length_that_lies(case: Case) -> None:
    case.fails(FaultRule(fault=WrongTotal(form="higher"), requests=LISTED))
    case.stops()


def test_a_page_of_html(case: Case) -> None:
    case.fails(FaultRule(fault=Reply(status=200, body="html"), requests=LISTED))
    case.stops()


def test_a_listing_that_a_gateway_cuts(case: Case) -> None:
    case.fails(FaultRule(fault=Truncated(length="kept"), requests=LISTED))
    case.stops()


def test_a_server_that_shows_the_first_page_again_and_again(case: Case) -> None:
    case.state(capabilities=SMALL_PAGES)
    case.fails(FaultRule(fault=IgnoredParameters(names=("startIndex",))))
    case.stops()


def test_a_directory_that_moves_while_it_is_read(case: Case) -> None:
    case.state(capabilities=SMALL_PAGES)
    case.fails(FaultRule(fault=ShiftingPages(change="go")))
    case.stops()


def test_a_listing_that_ends_early_and_says_that_it_is_whole(case: Case) -> None:
    case.done(*APPLY)

    def cut(document: Resource) -> Resource:
        return document | {"totalResults": 28, "itemsPerPage": 28, "Resources": document["Resources"][:28]}

    case.fails(FaultRule(fault=Rewritten(change=cut), requests=LISTED))
    case.stops()


def test_a_directory_that_shrank_by_thirty_percent(case: Case) -> None:
    case.done(*APPLY)
    for one in case.sandbox.directory.resources(Kind.USER)[28:]:
        case.sandbox.directory.delete(Kind.USER, one["id"])
    case.stops()


def test_groups_that_are_not_shown_any_more(case: Case) -> None:
    case.done(*APPLY)
    nothing = but(totalResults=0, itemsPerPage=0, Resources=[])
    case.fails(FaultRule(fault=nothing, requests=Requests(methods=("GET",), path="/Groups")))
    case.stops()


def test_members_that_are_not_shown_any_more(case: Case) -> None:
    case.done(*APPLY)

    def hide(document: Resource) -> Resource:
        return document | {"Resources": [one | {"members": []} for one in document["Resources"]]}

    case.fails(FaultRule(fault=Rewritten(change=hide), requests=Requests(methods=("GET",), path="/Groups")))
    case.stops()


def test_a_token_that_expires_while_the_directory_is_read(case: Case) -> None:
    case.state(capabilities=SMALL_PAGES)
    case.fails(FaultRule(fault=Reply(status=401), when=When(skip=4)))
    case.stops()


def test_a_token_that_is_refused(case: Case) -> None:
    case.variables["SCIM_TOKEN"] = "of-somebody-else"
    case.stops()


def test_the_token_of_another_tenant(case: Case) -> None:
    case.done(*APPLY)
    others = [user(number, userName=f"p{number}@example.com", externalId=None) for number in range(35)]
    directory = case.sandbox.directory
    for kind in Kind:
        for one in directory.resources(kind):
            directory.delete(kind, one["id"])
    case.hold(others, [])
    case.stops()


def test_filters_that_are_ignored(case: Case) -> None:
    case.state(capabilities={"paging": "filter-only"}, unlisted={"users": "ignore", "groups": "ignore"})
    case.fails(FaultRule(fault=IgnoredParameters(names=("filter",))))
    case.stops()


def test_two_people_of_one_identity(case: Case) -> None:
    case.hold([{"userName": "other@example.com", "externalId": "x-05"}], [])
    case.stops()


def test_two_groups_of_one_name(case: Case) -> None:
    case.hold([], [{"displayName": "Team-Platform"}])
    case.stops()


def test_groups_that_are_not_found(case: Case) -> None:
    case.fails(FaultRule(fault=Reply(status=404), requests=Requests(path="/Groups")))
    case.stops()


def rows_changed(change: Callable[[list[Resource]], list[Resource]]) -> FaultRule:
    told = Rewritten(change=lambda document: document | {"Resources": change(document["Resources"])})
    return FaultRule(fault=told, requests=LISTED)


def test_names_that_are_not_shown_any_more(case: Case) -> None:
    case.fails(rows_changed(lambda rows: [one | {"userName": None} for one in rows]))
    case.stops()


def test_a_listing_that_mixes_up_who_is_who(case: Case) -> None:
    """Everybody is shown with the id of somebody else: who is to be deactivated would be the wrong one."""
    case.state(users=people()[:39], unlisted={"users": "deactivate", "groups": "ignore"}, groups=[])
    case.fails(rows_changed(lambda rows: [one | {"id": rows[at - 1]["id"]} for at, one in enumerate(rows)]))
    case.stops()

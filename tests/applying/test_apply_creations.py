"""Nothing is created twice, whatever a directory answers to the creation and to the search for it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from loopback import Reply, Request, error, list_response
from meddler import Forward, Interpose, Meddle, Once, outcome_of, pass_on, statuses, user
from reconciler.applying import Status
from reconciler.model import Kind

GROUP = "groups: [{displayName: team}]"
CREATE = "create group:team"
ADA = "users: [{userName: ada@example.com, externalId: '7'}]"
TRIES_OF_A_READ = 3


def is_search(request: Request) -> bool:
    return request.method == "GET" and "filter" in request.query


def no_filters(request: Request, forward: Forward) -> Reply:
    return error(400, "filters are not supported", "invalidFilter") if is_search(request) else forward(request)


def filters_ignored(request: Request, forward: Forward) -> Reply:
    return forward(replace(request, target=request.target.partition("&filter=")[0]))


def losing_first_creation(inner: Meddle) -> Meddle:
    once = Once()

    def meddle(request: Request, forward: Forward) -> Reply:
        if once(request.method == "POST"):
            forward(request)
            return Reply(reset=True)
        return inner(request, forward)

    return meddle


@pytest.mark.parametrize("inner", [no_filters, filters_ignored])
@pytest.mark.parametrize("yaml", [GROUP, ADA])
def test_a_lost_creation_is_found_without_filters(between: Interpose, inner: Meddle, yaml: str) -> None:
    seed = {"users": [user(f"u{number}") for number in range(5)], "groups": [{"displayName": "other", "members": []}]}
    made = between(losing_first_creation(inner), seed=seed)
    made.scenario.unlisted = ("ignore", "ignore")
    assert made.scenario.write(yaml).apply().complete
    assert len(made.sent("POST")) == 1


def test_a_lost_creation_that_searches_show_late_is_not_made_again(between: Interpose) -> None:
    searches, posted = [0], threading.Event()

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "POST":
            posted.set()
            forward(request)
            return Reply(reset=True)
        if is_search(request) and posted.is_set():
            searches[0] += 1
            if searches[0] < 3:
                return list_response([], total=0)
        return forward(request)

    made = between(meddle)
    assert made.scenario.write(GROUP).apply().complete
    assert [group.name for group in made.direct.live().groups] == ["team"]


def test_a_creation_is_not_repeated_where_nobody_can_tell_what_became_of_it(between: Interpose) -> None:
    posted = threading.Event()

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "POST":
            posted.set()
            return Reply(500)
        return Reply(500) if posted.is_set() else forward(request)

    made = between(meddle)
    outcome = outcome_of(made.scenario.write(GROUP).apply(), CREATE)
    assert outcome.status is Status.FAILED
    assert "only reading the resource can tell. Looking for it failed: GET /Groups" in outcome.message
    assert len(made.sent("POST")) == 1


@pytest.mark.parametrize(
    ("yaml", "step", "tries"),
    [
        pytest.param(ADA, "create user:ada@example.com", 2, id="a name that the directory gives once"),
        pytest.param(GROUP, CREATE, 1, id="a name that the directory would give twice"),
    ],
)
def test_a_creation_that_never_takes_effect_is_repeated_only_where_that_cannot_make_two(
    between: Interpose, yaml: str, step: str, tries: int
) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return Reply(500) if request.method == "POST" else forward(request)

    made = between(meddle)
    outcome = outcome_of(made.scenario.write(yaml).apply(), step)
    assert (outcome.status, outcome.requests, outcome.http_status) == (Status.FAILED, tries, 500)
    assert len(made.sent("POST")) == tries


@pytest.mark.parametrize("yaml", [GROUP, ADA])
def test_a_created_resource_that_stays_invisible_is_told_and_not_made_again(between: Interpose, yaml: str) -> None:
    posted = threading.Event()

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "POST":
            posted.set()
        elif posted.is_set() and request.method == "GET":
            return list_response([], total=0) if is_search(request) else error(404, "not yet")
        return forward(request)

    made = between(meddle)
    (outcome,) = made.scenario.write(yaml).apply().outcomes
    assert outcome.status is Status.DIFFERS
    assert outcome.message == "the directory accepted the request and does not show the resource"
    assert len(made.sent("POST")) == 1


def test_a_group_that_becomes_visible_late_still_gets_its_members(between: Interpose) -> None:
    posted, reads = threading.Event(), [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "POST":
            posted.set()
        elif posted.is_set() and request.method == "GET" and "/Groups/" in request.path:
            reads[0] += 1
            # The read back of the creation sees nothing, and neither does the first look of those who add members.
            if reads[0] <= 4:
                return error(404, "not yet")
        return forward(request)

    made = between(meddle, seed={"users": [user("ada")]})
    made.scenario.write(
        "users: [{userName: ada@example.com}]\ngroups: [{displayName: team, members: [ada@example.com]}]"
    )
    assert outcome_of(made.apply(), "add_members group:team").status is Status.APPLIED
    assert made.direct.members("team") == {"ada@example.com"}


@pytest.mark.parametrize("dialect", ["generic", "atlassian"])
def test_a_conflict_names_the_resource_that_is_in_the_way(between: Interpose, dialect: str) -> None:
    """The server says that an e-mail is taken, and not by whom; Atlassian cannot even be asked for e-mails."""

    def meddle(request: Request, forward: Forward) -> Reply:
        return Reply(409) if request.method == "POST" else forward(request)

    made = between(meddle, dialect=dialect, seed={"users": [user("grace", userName="Grace@example.com")]})
    made.scenario.unlisted = ("ignore", "ignore")
    live = made.direct.live()
    live = replace(live, capabilities=replace(live.capabilities, unique_keys=("User.userName", "User.emails")))
    planned = made.scenario.write("users: [{userName: ada@example.com, emails: [GRACE@example.com]}]").plan()
    (outcome,) = made.scenario.apply_to(planned, live).outcomes
    assert outcome.status is Status.FAILED
    owner = made.id_of("Grace@example.com")
    assert outcome.message.endswith(f"emails GRACE@example.com belongs to user:Grace@example.com (id {owner})")


def test_a_second_try_that_is_refused_because_the_first_took_effect_is_ours(between: Interpose) -> None:
    hidden = threading.Event()
    hidden.set()

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "POST":
            if len(made.sent("POST")) == 1:
                forward(request)
                return Reply(reset=True)
            hidden.clear()
        if is_search(request) and hidden.is_set():
            return list_response([], total=0)
        return forward(request)

    made = between(meddle, dialect="atlassian")
    made.scenario.write("users: [{userName: ada@example.com, externalId: '7', emails: [ada@example.com]}]")
    assert made.apply().complete
    assert len(made.sent("POST")) == 2


def test_a_conflict_with_nobody_who_can_be_found_is_reported_and_not_looped_on(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return error(409, "the e-mail is taken", "uniqueness") if request.method == "POST" else forward(request)

    made = between(meddle)
    outcome = outcome_of(made.scenario.write(ADA).apply(), "create user:ada@example.com")
    assert outcome.status is Status.FAILED
    assert "the e-mail is taken" in outcome.message
    assert len(made.sent("POST")) == 1


def test_a_creation_that_two_resources_could_be_is_left_to_a_person(between: Interpose) -> None:
    made = between(pass_on)
    planned = made.scenario.write(GROUP).plan()
    with made.sandbox.directory.lock:
        for _ in range(2):
            made.sandbox.directory.create(Kind.GROUP, {"schemas": [Kind.GROUP.schema], "displayName": "Team"})
    outcome = outcome_of(made.scenario.apply(planned), CREATE)
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith("group:team was not created: 2 resources with displayName 'team'")
    assert made.sent("POST") == []


def test_a_listing_that_cannot_be_proven_complete_creates_nothing(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        if is_search(request):
            return list_response([], total=3)
        return forward(request)

    made = between(meddle)
    outcome = outcome_of(made.scenario.write(GROUP).apply(), CREATE)
    assert outcome.status is Status.FAILED
    assert "not complete" in outcome.message
    assert made.sent("POST") == []


def test_a_directory_without_filters_is_read_whole_once_and_not_for_every_creation(between: Interpose) -> None:
    made = between(no_filters)
    groups = "".join(f"  - {{displayName: team-{number}, externalId: g-{number}}}\n" for number in range(12))
    planned = made.scenario.write(f"groups:\n{groups}").plan()
    live = made.direct.live()
    before = len([request for request in made.sent("GET", "/Groups") if "filter" not in request.query])
    assert made.scenario.apply_to(planned, live).complete
    whole = [
        request
        for request in made.sent("GET", "/Groups")
        if request.path.endswith("/Groups") and not is_search(request)
    ]
    assert len(whole) - before == 1


def answering_creations_with(change: dict[str, Any], *, location: str | None) -> Meddle:
    def meddle(request: Request, forward: Forward) -> Reply:
        reply = forward(request)
        if request.method != "POST":
            return reply
        document = {**json.loads(reply.content), **change}
        where = {} if location is None else {"Location": location.format(**json.loads(reply.content))}
        return Reply(201, {name: value for name, value in document.items() if value is not None}, where)

    return meddle


@pytest.mark.parametrize(
    ("change", "location"),
    [
        pytest.param({"id": None}, "https://scim.example.com/v2/Groups/{id}", id="Location alone"),
        pytest.param({"id": None}, "Groups", id="a Location that names nothing"),
        pytest.param({"id": None}, None, id="nothing at all"),
        pytest.param({"id": ""}, None, id="an empty id"),
    ],
)
def test_a_created_resource_is_found_whatever_the_answer_tells(
    between: Interpose, change: dict[str, Any], location: str | None
) -> None:
    made = between(answering_creations_with(change, location=location))
    assert made.scenario.write(GROUP).apply().complete
    assert len(made.sent("POST")) == 1


def test_a_creation_that_is_accepted_and_never_shown_has_failed(between: Interpose) -> None:
    def meddle(request: Request, forward: Forward) -> Reply:
        return Reply(204) if request.method == "POST" else forward(request)

    made = between(meddle)
    outcome = outcome_of(made.scenario.write(GROUP).apply(), CREATE)
    assert outcome.status is Status.FAILED
    assert outcome.message == "the directory accepted the creation and does not show the resource"


def test_a_creation_that_cannot_be_read_back_is_told_and_built_on(between: Interpose) -> None:
    reads = [0]

    def meddle(request: Request, forward: Forward) -> Reply:
        if request.method == "GET" and "/Groups/" in request.path:
            reads[0] += 1
            if reads[0] <= TRIES_OF_A_READ:
                return Reply(200, b"<html>maintenance</html>", {"Content-Type": "text/html"})
        return forward(request)

    made = between(meddle, seed={"users": [user("ada")]})
    made.scenario.write(
        "users: [{userName: ada@example.com}]\ngroups: [{displayName: team, members: [ada@example.com]}]"
    )
    result = made.apply()
    assert statuses(result) == {CREATE: Status.DIFFERS, "add_members group:team": Status.APPLIED}
    assert "written, and could not be read back" in outcome_of(result, CREATE).message


def test_an_earlier_run_whose_group_is_there_is_taken_up(between: Interpose) -> None:
    made = between(pass_on, seed={"users": [user("ada")]})
    made.scenario.write(
        "users: [{userName: ada@example.com}]\ngroups: [{displayName: team, members: [ada@example.com]}]"
    )
    planned = made.scenario.plan()
    with made.sandbox.directory.lock:
        made.sandbox.directory.create(Kind.GROUP, {"schemas": [Kind.GROUP.schema], "displayName": "team"})
    assert made.scenario.apply(planned).complete
    assert made.sent("POST") == []
    assert made.direct.members("team") == {"ada@example.com"}

"""What each fault does to requests, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from reconciler.attributes import CORE_GROUP, CORE_USER
from reconciler.sandbox.faults import (
    ContentType,
    Fault,
    FaultRule,
    IgnoredParameters,
    LowerCaseResources,
    NoBody,
    NoScimType,
    NothingChanges,
    OverlappingPages,
    Rate,
    Reply,
    Requests,
    Reset,
    ShiftingPages,
    ShortPages,
    Slow,
    StaleReads,
    Strings,
    Throttle,
    Truncated,
    TruncatedMembers,
    When,
    WrongTotal,
)
from reconciler.sandbox.server import Sandbox
from sandboxes import client_of, leaving

NAMES = tuple(f"user{number}" for number in range(5))


class Caller:
    """Somebody who talks to a directory, and can make it faulty."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self._http = http

    def have(self, fault: Fault, requests: Requests | None = None, when: When | None = None) -> None:
        self.sandbox.use_faults([FaultRule(fault=fault, requests=requests or Requests(), when=when or When())])

    def heal(self) -> None:
        self.sandbox.use_faults([])

    def __call__(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self._http.request(method, self.sandbox.base_url + path, json=body)

    def get(self, path: str) -> httpx.Response:
        return self("GET", path)

    def names(self, path: str = "/Users") -> list[str]:
        return [row["userName"] for row in self.get(path).json()["Resources"]]

    def create(self, name: str) -> httpx.Response:
        return self("POST", "/Users", {"schemas": [CORE_USER], "userName": name})

    def id_of(self, name: str) -> str:
        rows = self.get("/Users").json()["Resources"]
        return str(next(row["id"] for row in rows if row["userName"] == name))

    def retitle(self, name: str, title: str) -> httpx.Response:
        operation = {"op": "replace", "path": "title", "value": title}
        return self("PATCH", f"/Users/{self.id_of(name)}", {"schemas": [PATCH], "Operations": [operation]})

    @property
    def injected(self) -> int:
        (count,) = self.sandbox.fault_counts
        return count.injected


PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def call() -> Iterator[Caller]:
    seed = {"users": [{"userName": name} for name in NAMES], "groups": [{"displayName": "team", "members": []}]}
    with (
        leaving(Sandbox(seed=seed, record=True)) as sandbox,
        client_of(sandbox) as http,
    ):
        yield Caller(sandbox, http)


def test_every_form_of_waiting_can_be_asked_for(call: Caller) -> None:
    now = time.time()

    def told(**fields: Any) -> httpx.Headers:
        call.have(Throttle(wait=100, **fields))
        refused = call.get("/Users")
        assert refused.status_code == 429
        return refused.headers

    assert told(header="retry_after_seconds")["retry-after"] == "100"
    assert parsedate_to_datetime(told(header="retry_after_date")["retry-after"]).timestamp() >= now + 99
    assert int(told(header="retry_after_absurd")["retry-after"]) > 30_000_000
    assert int(told(header="reset_epoch")["x-ratelimit-reset"]) >= now + 99
    assert int(told(header="reset_epoch_ms")["x-ratelimit-reset"]) >= (now + 99) * 1000
    assert told(header="reset_seconds")["x-ratelimit-reset"] == "100"
    assert datetime.fromisoformat(told(header="reset_iso")["x-ratelimit-reset"]) > datetime.fromtimestamp(now, UTC)
    assert not {"retry-after", "x-ratelimit-reset"} & set(told(header="none"))


def test_throttling_can_look_like_a_failure_that_only_its_words_tell(call: Caller) -> None:
    call.have(Throttle(status=500, header="none", detail="REQUEST_LIMIT_EXCEEDED"))
    answer = call.get("/Users")
    assert (answer.status_code, answer.json()["detail"]) == (500, "REQUEST_LIMIT_EXCEEDED")


def test_a_rate_turns_away_what_exceeds_the_burst_and_tells_the_limit(call: Caller) -> None:
    call.have(Rate(requests=1, seconds=3600, burst=2, header="reset_seconds", announce=True))
    answers = [call.get("/Users") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers["x-ratelimit-limit"] == "1"
    assert 3500 < int(answers[2].headers["x-ratelimit-reset"]) <= 3600


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_connection_is_reset_before_or_after_the_write(call: Caller, took_effect: bool) -> None:
    call.have(Reset(took_effect=took_effect), Requests(methods=("POST",)))
    with pytest.raises(httpx.TransportError):
        call.create("new")
    call.heal()
    assert ("new" in call.names()) is took_effect
    lost = call.sandbox.requests[0]
    assert (lost.status, lost.faults) == (0, ("reset",))
    assert lost.json()["userName"] == "new"


def test_a_page_of_a_gateway_can_stand_for_an_answer_that_took_effect(call: Caller) -> None:
    call.have(Reply(status=200, body="html", took_effect=True), Requests(methods=("POST",)))
    answer = call.create("new")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")
    assert "new" in call.names()


@pytest.mark.parametrize("status", [401, 500, 502, 503, 504])
def test_a_failure_has_the_words_of_scim_and_nothing_happens(call: Caller, status: int) -> None:
    call.have(Reply(status=status), Requests(methods=("POST",)))
    answer = call.create("new")
    assert (answer.status_code, answer.json()["status"]) == (status, str(status))
    assert "new" not in call.names()


def test_a_conflict_can_come_without_a_body(call: Caller) -> None:
    call.have(NoBody(answered=(409,)))
    answer = call.create(NAMES[0])
    assert (answer.status_code, answer.content) == (409, b"")


def test_an_error_can_lack_its_scim_type(call: Caller) -> None:
    assert call.create(NAMES[0]).json()["scimType"] == "uniqueness"
    call.have(NoScimType())
    assert "scimType" not in call.create(NAMES[0]).json()


def test_a_write_can_pretend(call: Caller) -> None:
    first = call.id_of(NAMES[0])
    call.have(NothingChanges())
    patched = call.retitle(NAMES[0], "Chief")
    assert (patched.status_code, patched.json()["id"]) == (200, first)
    assert call("DELETE", f"/Users/{first}").status_code == 204
    made = call.create("new")
    assert made.status_code == 201
    assert call.get(f"/Users/{made.json()['id']}").status_code == 404
    assert call.names() == list(NAMES)
    assert "title" not in call.get(f"/Users/{first}").json()


def test_a_write_can_be_answered_without_a_body(call: Caller) -> None:
    call.have(NoBody(status=204), Requests(methods=("PATCH", "POST")))
    answer = call.create("new")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "new" in call.names()


def test_a_body_can_end_too_early(call: Caller) -> None:
    call.have(Truncated(length="whole"))
    with pytest.raises(httpx.RemoteProtocolError):
        call.get("/Users")
    call.have(Truncated(length="kept", keep=0.2))
    answer = call.get("/Users")
    assert len(answer.content) == int(answer.headers["content-length"])
    assert answer.text.startswith("{")
    assert not answer.text.endswith("}")


def test_a_slow_answer_arrives_whole(call: Caller) -> None:
    whole = call.get("/Users").content
    call.have(Slow(first_byte=0.01, body=0.02))
    assert call.get("/Users").content == whole


def test_a_body_can_be_called_something_else(call: Caller) -> None:
    call.have(ContentType(value="text/html"))
    answer = call.get("/Users")
    assert answer.headers["content-type"] == "text/html"
    assert answer.json()["totalResults"] == len(NAMES)


@pytest.mark.parametrize(
    ("form", "told"), [("higher", 7), ("lower", 3), ("page", 2), ("missing", None), ("string", "5")]
)
def test_the_number_of_results_can_be_wrong(call: Caller, form: Any, told: object) -> None:
    call.have(WrongTotal(form=form, by=2))
    assert call.get("/Users?count=2").json().get("totalResults") == told


def test_pages_can_be_short(call: Caller) -> None:
    call.have(ShortPages(rows=2))
    document = call.get("/Users?count=100").json()
    assert (document["totalResults"], document["itemsPerPage"], len(document["Resources"])) == (5, 2, 2)
    assert call.names("/Users?startIndex=4") == ["user3", "user4"]


def test_pages_can_overlap(call: Caller) -> None:
    call.have(OverlappingPages(rows=1))
    assert call.names("/Users?count=2") == ["user0", "user1"]
    assert call.names("/Users?startIndex=3&count=2") == ["user1", "user2"]


@pytest.mark.parametrize(
    ("change", "first", "second", "totals"),
    [
        ("come", ["user0", "user1"], ["user1", "user2"], (5, 6)),
        ("go", ["gone@example.com", "user0"], ["user2", "user3"], (6, 5)),
        ("swap", ["gone@example.com", "user0"], ["user2", "user3"], (5, 5)),
    ],
)
def test_pages_can_shift(
    call: Caller, change: Any, first: list[str], second: list[str], totals: tuple[int, int]
) -> None:
    call.have(ShiftingPages(change=change))
    pages = [call.get(f"/Users?startIndex={start}&count=2").json() for start in (1, 3)]
    assert [[row["userName"] for row in page["Resources"]] for page in pages] == [first, second]
    assert tuple(page["totalResults"] for page in pages) == totals


def test_values_can_come_as_strings(call: Caller) -> None:
    call.have(Strings(booleans="capital"))
    document = call.get("/Users").json()
    assert (document["totalResults"], document["Resources"][0]["active"]) == ("5", "True")
    call.have(Strings(numbers=False))
    document = call.get("/Users").json()
    assert (document["totalResults"], document["Resources"][0]["active"]) == (5, "true")


def test_listings_can_be_written_small(call: Caller) -> None:
    call.have(LowerCaseResources())
    assert len(call.get("/Users").json()["resources"]) == len(NAMES)


def test_a_filter_can_be_overlooked(call: Caller) -> None:
    call.have(IgnoredParameters())
    assert call.names('/Users?filter=userName eq "user1"&count=3') == ["user0", "user1", "user2"]
    assert call.injected == 1


def test_a_created_resource_is_not_there_for_some_reads(call: Caller) -> None:
    call.have(StaleReads(reads=3))
    made = call.create("new").json()
    assert call.get(f"/Users/{made['id']}").status_code == 404
    assert "new" not in call.names()
    assert call.names('/Users?filter=userName eq "new"') == []
    assert call.names('/Users?filter=userName eq "new"') == ["new"]
    assert call.get(f"/Users/{made['id']}").json() == made


def test_a_change_and_a_deletion_are_seen_late(call: Caller) -> None:
    changed, deleted = call.id_of("user1"), call.id_of("user2")
    call.have(StaleReads(reads=2))
    assert call("DELETE", f"/Users/{deleted}").status_code == 204
    operation = {"op": "replace", "path": "title", "value": "Chief"}
    call("PATCH", f"/Users/{changed}", {"schemas": [PATCH], "Operations": [operation]})
    assert "title" not in call.get(f"/Users/{changed}").json()
    page = call.get("/Users?count=4&startIndex=1").json()
    assert page["totalResults"] == 5
    assert [row["userName"] for row in page["Resources"]] == ["user0", "user1", "user3", "user4"]
    assert call.names("/Users?startIndex=5") == ["user2"]
    assert call.names() == ["user0", "user1", "user3", "user4"]
    assert call.get(f"/Users/{changed}").json()["title"] == "Chief"


def test_a_patch_of_a_group_can_keep_only_so_many_members(call: Caller) -> None:
    group = call.get("/Groups").json()["Resources"][0]["id"]
    members = [{"value": row["id"]} for row in call.get("/Users").json()["Resources"]]
    call.have(TruncatedMembers(at=3))
    operations = [
        {"op": "add", "path": "members", "value": members[:2]},
        {"op": "add", "value": {"members": members[2:]}},
    ]
    assert call("PATCH", f"/Groups/{group}", {"schemas": [PATCH], "Operations": operations}).is_success
    kept = call.get(f"/Groups/{group}").json()["members"]
    assert [member["value"] for member in kept] == [member["value"] for member in members[:3]]


def test_a_group_is_created_even_while_its_members_are_cut(call: Caller) -> None:
    call.have(TruncatedMembers(at=0))
    assert call("POST", "/Groups", {"schemas": [CORE_GROUP], "displayName": "other"}).status_code == 201

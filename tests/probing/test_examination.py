"""What ``doctor`` knows of a directory, and what it warns of."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from loopback import Loopback, Reply, Request, error, list_response, serving
from probes import PATIENT, PEOPLE, TODAY, config
from reconciler.capabilities import Authority, Statement
from reconciler.config import DirectoryConfig, TokenSource
from reconciler.model import Kind
from reconciler.probing import Examination, examine
from reconciler.sandbox.behaviour import behaviour
from reconciler.sandbox.server import Sandbox
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import read_statement
from reconciler.scim.errors import Unauthorized
from sandboxes import leaving


def examined(directory: Sandbox | Loopback, stated: DirectoryConfig | None = None) -> Examination:
    base_url = directory.base_url if isinstance(directory, Sandbox) else directory.url
    token = directory.token if isinstance(directory, Sandbox) else "token"

    async def run() -> Examination:
        async with ScimClient(base_url, token, retry=PATIENT) as client:
            return await examine(client, stated or config(), TODAY)

    return asyncio.run(run())


def stating(**values: Any) -> dict[str, Statement]:
    return {name: read_statement(name, value, Authority.OVERRIDE, "directory.yaml:7") for name, value in values.items()}


def codes(examination: Examination) -> list[str]:
    return [remark.code for remark in examination.remarks]


def test_a_healthy_directory_is_usable_and_costs_five_requests() -> None:
    with leaving(Sandbox("generic", seed=PEOPLE)) as sandbox:
        found = examined(sandbox)
    assert found.usable
    assert found.remarks == ()
    assert found.requests == 5
    assert found.totals == {Kind.USER: 6, Kind.GROUP: 1}


def test_a_directory_without_a_listing_is_asked_by_a_filter() -> None:
    with leaving(Sandbox("gitlab")) as sandbox:
        found = examined(sandbox, config("gitlab"))
    assert found.usable
    assert found.totals == {}
    assert {"no-schemas", "no-service-provider-config"} <= set(codes(found))


def test_a_token_that_is_not_accepted_is_an_error() -> None:
    with serving(lambda _: error(401, "who?")) as server, pytest.raises(Unauthorized):
        examined(server)


def test_discovery_that_is_open_to_everybody_does_not_hide_that_nothing_can_be_read() -> None:
    def respond(request: Request) -> Reply:
        if request.path in ("/Users", "/Groups"):
            return error(403, "not for you")
        return list_response([], total=0) if request.path != "/ServiceProviderConfig" else Reply(body={})

    with serving(respond) as server:
        found = examined(server)
    assert not found.usable
    assert codes(found)[:2] == ["cannot-read", "cannot-read"]


@pytest.mark.parametrize("answer", [[], {}, {"Resources": []}], ids=["a list", "an object", "no total"])
def test_an_answer_that_is_no_listing_is_not_taken_for_an_empty_one(answer: Any) -> None:
    with serving(lambda _: Reply(body=answer)) as server:
        found = examined(server)
    assert not found.usable
    assert not found.probeable
    assert codes(found)[:2] == ["cannot-read", "cannot-read"]


def test_a_wrong_base_url_is_named_as_the_likely_cause() -> None:
    with serving(lambda _: error(404, "no such page")) as server:
        found = examined(server)
    assert "Check that base_url is the SCIM endpoint" in found.remarks[0].message
    assert not found.probeable


CONTRADICTIONS: Mapping[str, tuple[dict[str, Any], list[str]]] = {
    "what the server denies": ({"bulk_operations": 5000}, ["contradiction"]),
    "less than the server offers": ({"bulk_operations": 10, "page_size": 20}, []),
    "the same as the server": ({"etag": True}, []),
    "no verb for users": ({"patch_users": False, "put_users": False}, ["contradiction", "no-verb"]),
    "no verb for groups": ({"patch_groups": False, "put_groups": False}, ["contradiction", "no-verb"]),
    "nothing to read by": ({"paging": "filter-only", "user_filters": []}, ["contradiction", "no-way-to-read"]),
    "a form without its verb": ({"member_remove": "put", "put_groups": False}, ["misfit"]),
    "a probe without its filter": ({"members_read": "probe", "group_filters": ["displayName"]}, ["misfit"]),
    "a group's users without their filter": ({"members_read": "users-by-group", "user_filters": []}, ["misfit"]),
    "a group's users with their filter": ({"members_read": "users-by-group", "user_filters": ["groups.value"]}, []),
    "unknown domains": ({"email_domain_unlinks": True}, ["no-domains"]),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_does_not_fit_is_told(case: str) -> None:
    stated, expected = CONTRADICTIONS[case]
    with leaving(Sandbox("generic")) as sandbox:
        found = examined(sandbox, replace(config(), capabilities=stating(**stated)))
    assert sorted(codes(found)) == sorted(expected)


def test_a_contradiction_names_both_sides_and_who_wins() -> None:
    with leaving(Sandbox("atlassian")) as sandbox:
        found = examined(sandbox, replace(config(), capabilities=stating(etag=True)))
    (remark,) = [one for one in found.remarks if one.code == "contradiction"]
    assert remark.message == (
        "etag: directory.yaml says true, the server says false (/ServiceProviderConfig etag.supported); "
        "the former holds"
    )


def test_verified_domains_that_are_stated_are_not_asked_for() -> None:
    stated = config("atlassian")
    with leaving(Sandbox("atlassian")) as sandbox:
        without = examined(sandbox, stated)
        stating_them = examined(sandbox, replace(stated, policy=replace(stated.policy, domains=("example.com",))))
    assert "no-domains" in codes(without)
    assert "no-domains" not in codes(stating_them)


def test_versions_that_are_claimed_and_not_there_are_told() -> None:
    rules = replace(behaviour("generic"), versions=False)
    with leaving(Sandbox(rules, seed=PEOPLE)) as sandbox:
        found = examined(sandbox, replace(config(), capabilities=stating(etag=True)))
    assert "etag-without-versions" in codes(found)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (TokenSource(env="SCIM_TOKEN"), "environment variable SCIM_TOKEN"),
        (TokenSource(file="secrets/token"), "file secrets/token"),
        (TokenSource(command=("vault", "read", "s3cret")), "command vault"),
    ],
)
def test_the_token_is_told_by_where_it_comes_from(source: TokenSource, told: str) -> None:
    with leaving(Sandbox("generic")) as sandbox:
        found = examined(sandbox, replace(config(), token=replace(source, expires=date(2026, 12, 1))))
    assert found.token == told
    assert codes(found) == ["token-expires"]

"""The embedded directory in the ways of service providers: one test for each thing that one does in its own way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import httpx
import pytest

from reconciler.attributes import CORE_GROUP, CORE_USER
from reconciler.model import Kind
from reconciler.sandbox.behaviour import dialects
from scim_api import Api, add, nested, refusal, remove, remove_array, replace_active, serving

As = Callable[[str], Api]
_names = count()


@pytest.fixture(scope="module")
def a() -> Iterator[As]:
    """A running directory of a dialect; the same one for all tests, which name their own resources."""
    with ExitStack() as stack:
        running: dict[str, Api] = {}

        def one(dialect: str) -> Api:
            if dialect not in running:
                running[dialect] = stack.enter_context(serving(dialect))
            return running[dialect]

        yield one


@pytest.fixture
def name() -> str:
    # Of one width: tests put numbers behind it, and "name3" with a 5 would be somebody else's name.
    return f"name{next(_names):04}"


def test_the_sandbox_knows_all_dialects() -> None:
    assert set(dialects()) == {
        "generic",
        "atlassian",
        "aws-identity-center",
        "databricks",
        "entra-style",
        "github-emu",
        "gitlab",
        "hcp-terraform",
        "keycloak",
        "miro",
        "okta-style",
        "salesforce",
        "slack",
        "snowflake",
    }


@pytest.mark.parametrize("dialect", dialects())
def test_every_dialect_creates_reads_finds_and_deactivates_a_user(a: As, dialect: str, name: str) -> None:
    api = a(dialect)
    ada = api.user(name, externalId=name)

    assert api.found("/Users", f'userName eq "{name}"') == [ada]
    assert api.patch(f"/Users/{ada}", replace_active(False)).is_success
    assert api.get(f"/Users/{ada}")["active"] is False
    assert api.post_user(name).status_code == 409 or dialect == "github-emu"


@pytest.mark.parametrize("dialect", sorted(set(dialects()) - {"gitlab", "salesforce", "entra-style"}))
def test_most_dialects_add_and_remove_members_as_rfc_7644_says(a: As, dialect: str, name: str) -> None:
    api = a(dialect)
    ada, grace = api.user(f"{name}a"), api.user(f"{name}g")
    team = api.group(name, ada)

    assert api.patch(f"/Groups/{team}", add(grace)).is_success
    assert api.patch(f"/Groups/{team}", remove(ada)).is_success
    assert api.members(team) == [grace]


# Pages


@pytest.mark.parametrize(
    ("dialect", "asked", "given"),
    [
        ("aws-identity-center", None, 50),
        ("aws-identity-center", 100, 50),
        ("slack", None, 10),
        ("slack", 60, 60),
        ("gitlab", None, 1),
        ("hcp-terraform", 0, 0),
    ],
)
def test_a_page_has_as_many_as_the_dialect_gives(a: As, dialect: str, asked: int | None, given: int, name: str) -> None:
    api = a(dialect)
    have = api.sandbox.directory.count(Kind.USER)
    for number in range(have, 60):
        api.user(f"{name}{number}", externalId=f"{name}{number}")
    query: dict[str, Any] = {} if asked is None else {"count": asked}
    if dialect == "gitlab":
        query["filter"] = f'externalId eq "{name}59"'

    page = api.get("/Users", **query)

    assert (page["itemsPerPage"], len(page["Resources"])) == (given, given)


def test_aws_pages_by_cursor_hold_up_to_a_hundred_and_no_totals(a: As, name: str) -> None:
    api = a("aws-identity-center")
    for number in range(api.sandbox.directory.count(Kind.USER), 130):
        api.user(f"{name}{number}")

    first = api.get("/Users", cursor="")
    second = api.get("/Users", cursor=first["nextCursor"])

    assert first.keys() == {"schemas", "itemsPerPage", "nextCursor", "Resources"}
    assert first["itemsPerPage"] == 100
    assert "nextCursor" not in second
    ids = [resource["id"] for page in (first, second) for resource in page["Resources"]]
    assert len(set(ids)) == len(ids) == api.sandbox.directory.count(Kind.USER)


@pytest.mark.parametrize("asked", [0, 101])
def test_aws_refuses_a_count_out_of_range_by_cursor(a: As, asked: int) -> None:
    answer = a("aws-identity-center").http.get("/Groups", params={"cursor": "", "count": asked})

    assert refusal(answer) == (400, "invalidCount")


def test_gitlab_has_no_listing_and_no_groups(a: As) -> None:
    api = a("gitlab")

    assert refusal(api.http.get("/Users")) == (400, "invalidFilter")
    assert api.http.get("/Groups").status_code == 404
    assert api.http.get("/ServiceProviderConfig").status_code == 404


# Filters


@pytest.mark.parametrize(
    ("dialect", "path", "text"),
    [
        ("aws-identity-center", "/Users", 'userName sw "a"'),
        ("aws-identity-center", "/Users", 'userName eq "a" and externalId eq "b"'),
        ("aws-identity-center", "/Users", 'groups eq "a"'),
        ("aws-identity-center", "/Users", 'groups.value eq "a" and id eq "b"'),
        ("aws-identity-center", "/Groups", 'members eq "a"'),
        ("aws-identity-center", "/Groups", 'displayName eq "a" or displayName eq "b"'),
        ("github-emu", "/Groups", 'displayName eq "a" and externalId eq "b"'),
        ("github-emu", "/Users", 'userName sw "a"'),
        ("slack", "/Users", 'title eq "a"'),
        ("snowflake", "/Users", 'userName co "a"'),
        ("entra-style", "/Users", "title pr"),
        ("okta-style", "/Groups", 'displayName sw "a"'),
        ("gitlab", "/Users", 'title eq "a"'),
        ("hcp-terraform", "/Groups", 'id eq "a"'),
    ],
)
def test_a_filter_beyond_the_documented_ones_is_refused(a: As, dialect: str, path: str, text: str) -> None:
    assert refusal(a(dialect).http.get(path, params={"filter": text})) == (400, "invalidFilter")


def test_keycloak_answers_a_filter_on_an_unmapped_attribute_with_nothing(a: As, name: str) -> None:
    api = a("keycloak")
    api.user(name, title="Engineer")

    assert api.get("/Users", filter='title eq "Engineer"')["totalResults"] == 0


def test_snowflake_finds_by_the_beginning_of_a_name(a: As, name: str) -> None:
    api = a("snowflake")
    ada = api.user(f"{name}-ada")

    assert api.found("/Users", f'userName sw "{name}-"') == [ada]


@pytest.mark.parametrize("dialect", ["aws-identity-center", "entra-style"])
def test_whether_someone_is_in_a_group_can_be_asked(a: As, dialect: str, name: str) -> None:
    api = a(dialect)
    ada, grace = api.user(f"{name}a"), api.user(f"{name}g")
    team = api.group(name, ada)

    assert api.found("/Groups", f'id eq "{team}" and members eq "{ada}"') == [team]
    assert api.found("/Groups", f'members eq "{ada}" and id eq "{team}"') == [team]
    assert api.found("/Groups", f'id eq "{team}" and members eq "{grace}"') == []


@pytest.mark.parametrize("dialect", ["aws-identity-center", "generic"])
def test_who_is_in_a_group_can_be_asked_of_the_users(a: As, dialect: str, name: str) -> None:
    api = a(dialect)
    ada, grace = api.user(f"{name}a"), api.user(f"{name}g")
    team, other = api.group(name, ada, grace), api.group(f"{name}2", grace)

    assert sorted(api.found("/Users", f'groups.value eq "{team}"')) == sorted([ada, grace])
    assert api.found("/Users", f'GROUPS.Value eq "{other}"') == [grace]
    assert api.found("/Users", 'groups.value eq "nobody knows it"') == []


# Who is in a group


def test_aws_always_shows_an_empty_list_of_members(a: As, name: str) -> None:
    api = a("aws-identity-center")
    ada = api.user(f"{name}a")
    team = api.group(name, ada)

    assert api.get(f"/Groups/{team}")["members"] == []
    assert api.get("/Groups", filter=f'displayName eq "{name}"')["Resources"][0]["members"] == []
    assert "groups" not in api.get(f"/Users/{ada}")


@pytest.mark.parametrize("dialect", ["generic", "github-emu", "hcp-terraform", "entra-style"])
def test_members_can_be_left_out_of_answers(a: As, dialect: str, name: str) -> None:
    api = a(dialect)
    team = api.group(name, api.user(f"{name}a"))

    assert "members" in api.get(f"/Groups/{team}")
    assert "members" not in api.get(f"/Groups/{team}", excludedAttributes="members")
    query = {"filter": f'displayName eq "{name}"', "excludedAttributes": "members"}
    assert "members" not in api.get("/Groups", **query)["Resources"][0]


def test_atlassian_leaves_no_members_out(a: As, name: str) -> None:
    api = a("atlassian")
    team = api.group(name, api.user(f"{name}a"))

    assert len(api.get(f"/Groups/{team}", excludedAttributes="members")["members"]) == 1


# Forms of membership


def test_entra_style_removes_by_a_value_array_only(a: As, name: str) -> None:
    api = a("entra-style")
    ada, grace, alan = api.users(name, 3)
    team = api.group(name, ada, grace, alan)

    assert refusal(api.patch(f"/Groups/{team}", remove(ada))) == (400, "invalidSyntax")
    capitalised = remove_array(ada, grace) | {"op": "Remove"}
    assert api.patch(f"/Groups/{team}", capitalised).status_code == 204
    assert api.members(team) == [alan]


def test_entra_style_reads_booleans_as_strings(a: As, name: str) -> None:
    api = a("entra-style")
    ada = api.user(name, active="True")

    assert api.patch(f"/Users/{ada}", replace_active("False")).json()["active"] is False
    assert api.patch(f"/Users/{ada}", {"op": "Replace", "value": {"active": "True"}}).json()["active"] is True


def test_salesforce_names_members_inside_the_value(a: As, name: str) -> None:
    api = a("salesforce")
    ada, grace = api.users(name, 2)
    team = api.group(name, ada)

    added = api.patch(f"/Groups/{team}", nested("add", grace))
    assert [member["value"] for member in added.json()["members"]] == [ada, grace]
    assert api.patch(f"/Groups/{team}", nested("remove", ada)).status_code == 200
    assert api.members(team) == [grace]


@pytest.mark.parametrize("form", [add, remove, remove_array], ids=["add", "path-filter", "value-array"])
def test_salesforce_refuses_the_other_forms(a: As, form: Callable[[str], dict[str, Any]], name: str) -> None:
    api = a("salesforce")
    ada = api.user(f"{name}a")
    team = api.group(name, ada)

    assert api.patch(f"/Groups/{team}", form(ada)).status_code == 400
    assert api.members(team) == [ada]


def test_databricks_refuses_a_value_on_remove(a: As, name: str) -> None:
    api = a("databricks")
    ada = api.user(f"{name}a")
    team = api.group(name, ada)

    assert refusal(api.patch(f"/Groups/{team}", remove_array(ada))) == (400, "invalidSyntax")
    assert api.members(team) == [ada]


def test_aws_neither_removes_nor_replaces_all_members_at_once(a: As, name: str) -> None:
    api = a("aws-identity-center")
    ada, grace = api.users(name, 2)
    team = api.group(name, ada, grace)

    assert api.patch(f"/Groups/{team}", {"op": "remove", "path": "members"}).status_code == 400
    replaced = {"op": "replace", "path": "members", "value": [{"value": ada}]}
    assert api.patch(f"/Groups/{team}", replaced).status_code == 400
    assert api.patch(f"/Groups/{team}", {"op": "replace", "value": {"members": [{"value": ada}]}}).status_code == 400
    assert api.members(team) == [ada, grace]


def test_aws_takes_a_hundred_members_at_once(a: As, name: str) -> None:
    api = a("aws-identity-center")
    ids = [f"{name}-{number}" for number in range(101)]

    assert api.post_group(name, *ids).json()["detail"].startswith("at most 100 members")
    team = api.group(name)
    for too_many in ([add(*ids)], [add(*ids[:60]), add(*ids[60:])], [remove(one) for one in ids]):
        answer = api.patch(f"/Groups/{team}", *too_many)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("at most 100 members")


def test_miro_takes_8000_members_and_800000_bytes_at_once(a: As, name: str) -> None:
    api = a("miro")
    team = api.group(name)

    assert api.patch(f"/Groups/{team}", add(*map(str, range(8001)))).status_code == 413
    assert api.post_group("x" * 800_000).status_code == 413


def test_hcp_terraform_takes_5000_members_in_a_group(a: As, name: str) -> None:
    api = a("hcp-terraform")
    team = api.group(name)

    answer = api.patch(f"/Groups/{team}", add(*map(str, range(5001))))
    assert (answer.status_code, answer.json()["detail"]) == (400, "a group can have at most 5000 members")


def test_keycloak_changes_no_members_by_put(a: As, name: str) -> None:
    api = a("keycloak")
    ada = api.user(f"{name}a")
    team = api.group(name, ada)
    put = {"schemas": [CORE_GROUP], "displayName": f"{name}-renamed"}

    assert api.http.put(f"/Groups/{team}", json=put | {"members": [{"value": ada}]}).status_code == 501
    assert api.http.put(f"/Groups/{team}", json=put).status_code == 200
    assert api.members(team) == [ada]


# Methods and PATCH of users


@pytest.mark.parametrize(("dialect", "path"), [("aws-identity-center", "/Groups/1"), ("gitlab", "/Users/1")])
def test_a_method_that_is_not_there_is_405(a: As, dialect: str, path: str) -> None:
    answer = a(dialect).http.put(path, json={})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH, DELETE")


def test_gitlab_answers_patch_with_204(a: As, name: str) -> None:
    api = a("gitlab")

    assert api.patch(f"/Users/{api.user(name)}", replace_active(False)).status_code == 204


@pytest.mark.parametrize("attribute", ["userName", "active"])
def test_aws_refuses_to_remove_what_a_user_needs(a: As, attribute: str, name: str) -> None:
    api = a("aws-identity-center")

    assert refusal(api.patch(f"/Users/{api.user(name)}", {"op": "remove", "path": attribute})) == (400, "mutability")


def test_aws_patches_three_attributes_of_groups(a: As, name: str) -> None:
    api = a("aws-identity-center")
    url = f"/Groups/{api.group(name)}"

    assert api.patch(url, {"op": "replace", "value": {"id": "x", "displayName": f"{name}x"}}).status_code == 204
    two = {"op": "replace", "value": {"displayName": name, "externalId": name}}
    assert refusal(api.patch(url, two)) == (400, "invalidPath")


def test_aws_needs_names_and_takes_one_email(a: As, name: str) -> None:
    api = a("aws-identity-center")

    without = api.http.post("/Users", json={"schemas": [CORE_USER], "userName": name, "displayName": name})
    assert without.json()["detail"] == "name.givenName must have a value"
    two = [{"value": "a@example.com"}, {"value": "b@example.com"}]
    assert api.post_user(name, emails=two).json()["detail"] == "emails can have one value only"


def test_github_reads_paths_in_their_own_case_and_wants_a_user_agent(a: As, name: str) -> None:
    api = a("github-emu")
    ada = api.user(name)

    assert refusal(api.patch(f"/Users/{ada}", {"op": "replace", "path": "Active", "value": False})) == (
        400,
        "invalidPath",
    )
    bare = httpx.Request(
        "GET", api.sandbox.base_url + "/Users", headers={"Authorization": f"Bearer {api.sandbox.token}"}
    )
    assert api.http.send(bare).status_code == 403


# What the server makes of values


def test_github_hides_the_name_of_an_inactive_user_and_gives_it_back(a: As, name: str) -> None:
    api = a("github-emu")
    ada = api.user(name, externalId=name)
    before = api.get(f"/Users/{ada}")

    hidden = api.patch(f"/Users/{ada}", replace_active(False)).json()

    assert hidden["userName"].endswith("_acme")
    assert name not in hidden["userName"]
    assert name not in hidden["emails"][0]["value"]
    assert api.found("/Users", f'userName eq "{name}"') == []
    assert api.found("/Users", f'externalId eq "{name}"') == [ada]
    shown = api.patch(f"/Users/{ada}", replace_active(True)).json()
    assert (shown["userName"], shown["emails"]) == (name, before["emails"])


def test_github_hides_what_is_written_while_a_user_is_inactive(a: As, name: str) -> None:
    api = a("github-emu")
    ada = api.user(name, active=False)

    api.patch(f"/Users/{ada}", {"op": "replace", "path": "userName", "value": f"{name}-new"})

    assert api.get(f"/Users/{ada}")["userName"].endswith("_acme")
    assert api.patch(f"/Users/{ada}", replace_active(True)).json()["userName"] == f"{name}-new"


@pytest.mark.parametrize("dialect", ["databricks", "keycloak"])
def test_some_store_names_in_lower_case(a: As, dialect: str, name: str) -> None:
    api = a(dialect)

    assert api.get(f"/Users/{api.user(name.upper())}")["userName"] == name


def test_aws_drops_the_display_of_emails(a: As, name: str) -> None:
    api = a("aws-identity-center")
    ada = api.user(name, emails=[{"value": "ada@example.com", "display": "Ada", "primary": True}])

    assert api.get(f"/Users/{ada}")["emails"] == [{"value": "ada@example.com", "primary": True}]


# Deletes and conflicts


@pytest.mark.parametrize("dialect", ["slack", "databricks", "salesforce", "hcp-terraform"])
def test_some_only_deactivate_a_deleted_user(a: As, dialect: str, name: str) -> None:
    api = a(dialect)
    ada = api.user(name)

    assert api.http.delete(f"/Users/{ada}").status_code == 204

    assert api.get(f"/Users/{ada}")["active"] is False
    assert api.found("/Users", f'userName eq "{name}"') == [ada]
    assert api.post_user(name).status_code == 409
    assert api.http.delete(f"/Users/{ada}").status_code == 204


@pytest.mark.parametrize("dialect", ["generic", "aws-identity-center", "gitlab", "atlassian"])
def test_others_forget_a_deleted_user(a: As, dialect: str, name: str) -> None:
    api = a(dialect)
    ada = api.user(name)

    assert api.http.delete(f"/Users/{ada}").status_code == 204

    assert api.http.get(f"/Users/{ada}").status_code == 404
    assert api.user(name) != ada


@pytest.mark.parametrize("while_hidden", [False, True], ids=["active", "inactive"])
def test_github_lets_nobody_come_back_after_a_delete(a: As, while_hidden: bool, name: str) -> None:
    api = a("github-emu")
    ada = api.user(name, externalId=f"Id-{name}", active=not while_hidden)

    assert api.http.delete(f"/Users/{ada}").status_code == 204

    assert api.http.get(f"/Users/{ada}").status_code == 404
    assert refusal(api.post_user(name.upper())) == (409, "uniqueness")
    assert refusal(api.post_user(f"{name}-other", externalId=f"Id-{name}")) == (409, "uniqueness")
    assert api.post_user(f"{name}-other", externalId=f"id-{name}").status_code == 201


def test_aws_says_less_of_a_conflict(a: As, name: str) -> None:
    api = a("aws-identity-center")
    api.user(name)

    answer = api.post_user(name)

    assert answer.status_code == 409
    assert answer.json() == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "schema": "urn:ietf:params:scim:api:messages:2.0:Error",
        "status": "409",
        "detail": "Refused to create a new, duplicate resource.",
    }


@pytest.mark.parametrize("dialect", sorted(set(dialects()) - {"generic", "gitlab"}))
def test_outside_the_rfcs_a_group_name_is_taken_once_in_any_case(a: As, dialect: str, name: str) -> None:
    api = a(dialect)
    api.group(name)

    assert api.post_group(name.upper()).status_code == 409


def test_databricks_nests_groups_and_slack_does_not(a: As, name: str) -> None:
    def outer(api: Api) -> int:
        return api.post_group(name, api.group(f"{name}-core")).status_code

    assert (outer(a("databricks")), outer(a("slack"))) == (201, 400)

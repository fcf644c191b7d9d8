"""The embedded directory under the Atlassian dialect: what it does that RFC 7644 does not ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from reconciler.sandbox.server import Sandbox
from sandboxes import client_of, leaving

if TYPE_CHECKING:
    import httpx

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
EXTERNAL = "urn:scim:schemas:extension:atlassian-external:1.0"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with (
        leaving(Sandbox("atlassian")) as sandbox,
        client_of(sandbox) as client,
    ):
        yield client


def user(name: str, /, **attributes: Any) -> dict[str, Any]:
    emails = [{"value": f"{name}@example.com", "type": "work", "primary": True}]
    return {"schemas": [CORE_USER], "userName": name, "emails": emails, **attributes}


def create(client: httpx.Client, name: str, /, **attributes: Any) -> dict[str, Any]:
    answer = client.post("/Users", json=user(name, **attributes))
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def group(name: str, *members: str) -> dict[str, Any]:
    return {"schemas": [CORE_GROUP], "displayName": name, "members": [{"value": member} for member in members]}


def create_group(client: httpx.Client, name: str, *members: str) -> str:
    answer = client.post("/Groups", json=group(name, *members))
    assert answer.status_code == 201, answer.text
    created: str = answer.json()["id"]
    return created


def patch(client: httpx.Client, url: str, *operations: dict[str, Any]) -> httpx.Response:
    return client.patch(url, json={"schemas": [PATCH], "Operations": list(operations)})


def add_members(*ids: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": member} for member in ids]}


def group_of_all(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/Groups", params={"count": 1}).json()["Resources"][0]
    return found


def test_the_base_path_names_the_directory(client: httpx.Client) -> None:
    assert client.base_url.path.startswith("/scim/directory/")


def test_it_offers_no_versions_no_bulk_and_no_sort(client: httpx.Client) -> None:
    config = client.get("/ServiceProviderConfig").json()

    assert [config[name]["supported"] for name in ("patch", "etag", "bulk", "sort")] == [True, False, False, False]
    created = create(client, "ada")
    assert "version" not in created["meta"]
    assert "etag" not in client.get(f"/Users/{created['id']}").headers


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/Users", 'emails eq "ada@example.com"'),
        ("/Users", 'userName sw "a"'),
        ("/Users", 'userName eq "ada" and active eq true'),
        ("/Users", 'id eq "1"'),
        ("/Groups", 'externalId eq "1"'),
        ("/Groups", "displayName pr"),
        ("/Groups", 'members.value eq "1"'),
    ],
)
def test_a_filter_that_is_not_one_eq_of_a_name_is_refused(client: httpx.Client, path: str, text: str) -> None:
    answer = client.get(path, params={"filter": text})

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_the_three_filters_of_its_documentation_work(client: httpx.Client) -> None:
    create(client, "ada", externalId="Aa1")
    create_group(client, "team")

    def total(path: str, text: str) -> int:
        found: int = client.get(path, params={"filter": text}).json()["totalResults"]
        return found

    assert total("/Users", 'userName eq "ADA"') == 1
    assert total("/Users", 'externalId eq "Aa1"') == 1
    assert total("/Users", 'externalId eq "AA1"') == 0
    assert total("/Groups", 'displayName eq "Team"') == 1


def test_no_page_has_more_than_a_hundred_users(client: httpx.Client) -> None:
    for number in range(101):
        create(client, f"user{number}")

    assert client.get("/Users", params={"count": 200}).json()["itemsPerPage"] == 100


def test_a_group_cannot_be_renamed(client: httpx.Client) -> None:
    url = f"/Groups/{create_group(client, 'team')}"

    by_patch = patch(client, url, {"op": "replace", "path": "displayName", "value": "crew"})
    by_put = client.put(url, json=group("crew"))

    for answer in (by_patch, by_put):
        assert (answer.status_code, answer.json()["scimType"]) == (400, "mutability")
    assert patch(client, url, {"op": "replace", "path": "displayName", "value": "team"}).status_code == 200


def test_patch_of_a_group_returns_it_with_all_its_members(client: httpx.Client) -> None:
    ada, grace = create(client, "ada")["id"], create(client, "grace")["id"]
    url = f"/Groups/{create_group(client, 'team', ada)}"

    answer = patch(client, url, add_members(grace))

    assert answer.status_code == 200
    assert [member["value"] for member in answer.json()["members"]] == [ada, grace]


def test_an_unknown_member_fails_the_whole_patch_with_404(client: httpx.Client) -> None:
    ada = create(client, "ada")["id"]
    url = f"/Groups/{create_group(client, 'team')}"

    answer = patch(client, url, add_members(ada, "nobody"))

    assert answer.status_code == 404
    assert "members" not in client.get(url).json()
    assert client.put(url, json=group("team", "nobody")).status_code == 400


def test_a_group_cannot_be_a_member(client: httpx.Client) -> None:
    core, team = create_group(client, "core"), create_group(client, "team")

    answer = patch(client, f"/Groups/{team}", add_members(core))

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")


@pytest.mark.parametrize(
    ("clash", "detail"),
    [
        (
            {"emails": [{"value": "ADA@example.com", "primary": True}]},
            "Resource [USER]: with email[ADA@example.com] already exists.",
        ),
        ({"userName": "Ada"}, "Resource [USER]: with userName[Ada] already exists."),
        ({"externalId": "1"}, "Resource [USER]: with externalId[1] already exists."),
    ],
)
def test_user_name_primary_email_and_external_id_are_each_unique(
    client: httpx.Client, clash: dict[str, Any], detail: str
) -> None:
    create(client, "ada", externalId="1")

    answer = client.post("/Users", json=user("grace") | clash)

    assert answer.status_code == 409
    assert answer.json() == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "409",
        "scimType": "uniqueness",
        "detail": detail,
    }


def test_a_group_s_name_is_unique(client: httpx.Client) -> None:
    create_group(client, "team")

    answer = client.post("/Groups", json=group("Team"))

    assert answer.status_code == 409
    assert answer.json()["detail"] == "Resource [GROUP]: with displayName already exists."


def test_the_server_keeps_a_group_of_all_users(client: httpx.Client) -> None:
    ada, grace = create(client, "ada"), create(client, "grace")
    kept = group_of_all(client)

    assert kept["displayName"].startswith("All members for directory - ")
    assert [member["value"] for member in kept["members"]] == [ada["id"], grace["id"]]
    assert ada["groups"][0]["value"] == kept["id"]
    client.delete(f"/Users/{ada['id']}")
    assert [member["value"] for member in group_of_all(client)["members"]] == [grace["id"]]


def test_the_group_of_all_users_takes_no_changes(client: httpx.Client) -> None:
    ada = create(client, "ada")["id"]
    kept = group_of_all(client)
    url = f"/Groups/{kept['id']}"

    answers = [
        patch(client, url, {"op": "remove", "path": f'members[value eq "{ada}"]'}),
        client.put(url, json=group(kept["displayName"])),
        client.delete(url),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert group_of_all(client) == kept


@pytest.mark.parametrize("name", ["jira-software-users", "Confluence-Users"])
def test_a_default_access_group_cannot_be_created(client: httpx.Client, name: str) -> None:
    assert client.post("/Groups", json=group(name)).status_code == 400


@pytest.mark.parametrize("emails", [None, [], [{"value": "ada@example.com"}], [{"primary": True}]], ids=str)
def test_a_user_needs_a_primary_email(client: httpx.Client, emails: object) -> None:
    answer = client.post("/Users", json=user("ada") | {"emails": emails})

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")


@pytest.mark.parametrize("name", ["department", "organization"])
def test_an_attribute_that_exists_twice_is_written_at_either_place(client: httpx.Client, name: str) -> None:
    url = f"/Users/{create(client, 'ada', **{name: 'A'})['id']}"

    def both() -> tuple[str | None, str | None]:
        shown = client.get(url).json()
        return shown.get(name), shown.get(ENTERPRISE_USER, {}).get(name)

    assert both() == ("A", "A")
    patch(client, url, {"op": "replace", "path": f"{ENTERPRISE_USER}:{name}", "value": "B"})
    assert both() == ("B", "B")
    patch(client, url, {"op": "replace", "path": name, "value": "C"})
    assert both() == ("C", "C")
    patch(client, url, {"op": "remove", "path": f"{ENTERPRISE_USER}:{name}"})
    assert both() == (None, None)
    client.put(url, json=user("ada") | {ENTERPRISE_USER: {name: "D"}})
    assert both() == ("D", "D")


def test_attributes_that_it_does_not_document_are_not_stored(client: httpx.Client) -> None:
    created = create(client, "ada", userType="Employee", **{ENTERPRISE_USER: {"costCenter": "7"}})

    assert "userType" not in created
    assert ENTERPRISE_USER not in created


def test_an_inactive_user_is_still_listed(client: httpx.Client) -> None:
    ada = create(client, "ada")["id"]

    assert patch(client, f"/Users/{ada}", {"op": "replace", "path": "active", "value": False}).status_code == 200

    assert [resource["active"] for resource in client.get("/Users").json()["Resources"]] == [False]


def test_delete_unlinks_and_a_new_record_is_linked_to_the_same_account(client: httpx.Client) -> None:
    first = create(client, "ada")
    team = create_group(client, "team", first["id"])

    assert client.delete(f"/Users/{first['id']}").status_code == 204

    assert client.get(f"/Users/{first['id']}").status_code == 404
    assert "members" not in client.get(f"/Groups/{team}").json()
    second = create(client, "ada")
    assert second["id"] != first["id"]
    assert second[EXTERNAL] == first[EXTERNAL]


def test_the_account_stays_the_same_whatever_a_client_writes(client: httpx.Client) -> None:
    ada = create(client, "ada")
    url = f"/Users/{ada['id']}"

    client.put(url, json=user("augusta") | {EXTERNAL: {"atlassianAccountId": "mine"}})
    answer = patch(client, url, {"op": "replace", "path": f"{EXTERNAL}:atlassianAccountId", "value": "mine"})

    assert answer.json()["scimType"] == "mutability"
    assert client.get(url).json()[EXTERNAL] == ada[EXTERNAL]

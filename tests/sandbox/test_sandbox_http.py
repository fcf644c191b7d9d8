"""The embedded directory under the generic dialect, as a client sees it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, Schemas, rfc7643
from reconciler.model import Kind
from reconciler.sandbox.server import Sandbox
from sandboxes import client_for, client_of, leaving

if TYPE_CHECKING:
    import httpx

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
SCIM = "application/scim+json"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with leaving(Sandbox(record=True)) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as client:
        yield client


def user(name: str, /, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [CORE_USER], "userName": name, **attributes}


def create(client: httpx.Client, name: str, /, **attributes: Any) -> str:
    answer = client.post("/Users", json=user(name, **attributes))
    assert answer.status_code == 201, answer.text
    created: str = answer.json()["id"]
    return created


def create_group(client: httpx.Client, name: str, *members: str) -> str:
    body = {"schemas": [CORE_GROUP], "displayName": name, "members": [{"value": member} for member in members]}
    answer = client.post("/Groups", json=body)
    assert answer.status_code == 201, answer.text
    created: str = answer.json()["id"]
    return created


def patch(client: httpx.Client, url: str, *operations: dict[str, Any], **options: Any) -> httpx.Response:
    return client.patch(url, json={"schemas": [PATCH], "Operations": list(operations)}, **options)


def members_of(client: httpx.Client, group: str) -> list[str]:
    return [member["value"] for member in client.get(f"/Groups/{group}").json().get("members", [])]


def assert_refused(answer: httpx.Response, status: int, scim_type: str | None = None) -> None:
    assert answer.headers["content-type"] == SCIM
    body = answer.json()
    assert (answer.status_code, body["status"], body.get("scimType")) == (status, str(status), scim_type), body
    assert body["schemas"] == [ERROR]
    assert body["detail"]


# Who may come in


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dG9rZW4="}])
@pytest.mark.parametrize("path", ["/Users", "/ServiceProviderConfig", "/nowhere"])
def test_without_the_token_every_path_is_401(sandbox: Sandbox, path: str, header: dict[str, str]) -> None:
    with client_for(sandbox.base_url) as anybody:
        answer = anybody.get(path, headers=header)

    assert_refused(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    assert sandbox.base_url.startswith("http://127.0.0.1:")


# Discovery


def test_the_schemas_it_serves_are_those_of_rfc_7643(client: httpx.Client) -> None:
    answer = client.get("/Schemas").json()

    assert answer["totalResults"] == 3
    assert Schemas.parse(answer["Resources"]) == rfc7643()
    assert client.get(f"/Schemas/{CORE_USER}").json()["id"] == CORE_USER


def test_the_resource_types_name_their_endpoints_and_extensions(client: httpx.Client) -> None:
    types = {document["id"]: document for document in client.get("/ResourceTypes").json()["Resources"]}

    assert types["User"]["endpoint"] == "/Users"
    assert types["User"]["schemaExtensions"] == [{"schema": ENTERPRISE_USER, "required": False}]
    assert client.get("/ResourceTypes/Group").json() == types["Group"]


def test_the_service_provider_config_promises_what_is_kept(client: httpx.Client) -> None:
    config = client.get("/ServiceProviderConfig").json()

    assert config["patch"]["supported"]
    assert config["filter"] == {"supported": True, "maxResults": 200}
    assert config["bulk"] == {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1024 * 1024}
    assert config["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 200,
        "maxPageSize": 200,
        "cursorTimeout": 3600,
    }
    assert not config["sort"]["supported"]


def test_discovery_refuses_a_filter(client: httpx.Client) -> None:
    assert_refused(client.get("/Schemas", params={"filter": 'id eq "x"'}), 403)


# What is refused before it is looked at


@pytest.mark.parametrize(
    ("content", "status", "scim_type"),
    [
        (b"{", 400, "invalidSyntax"),
        (b"", 400, "invalidSyntax"),
        (b"\xff", 400, "invalidSyntax"),
        (b"[" * 100_000, 400, "invalidSyntax"),
        (b'{"userName": "\\ud800"}', 400, "invalidSyntax"),
        (b"[]", 400, "invalidSyntax"),
        (b'{"userName": "ada"}', 400, "invalidSyntax"),
        (b" " * (16 * 1024 * 1024 + 1), 413, None),
    ],
    ids=["cut off", "empty", "not UTF-8", "nested", "half a surrogate", "a list", "no schemas", "too large"],
)
def test_a_body_that_cannot_be_used_is_a_scim_error(
    client: httpx.Client, content: bytes, status: int, scim_type: str | None
) -> None:
    assert_refused(client.post("/Users", content=content, headers={"Content-Type": SCIM}), status, scim_type)


def test_a_body_of_another_media_type_is_415(client: httpx.Client) -> None:
    assert_refused(client.post("/Users", content=b"x", headers={"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize("path", ["/", "/users", "/Users/", "/Users/x/y", "/Users/x/.search", "/Me"])
def test_an_unknown_path_is_404(client: httpx.Client, path: str) -> None:
    assert_refused(client.get(path), 404)


def test_a_method_that_an_endpoint_does_not_know_is_405(client: httpx.Client) -> None:
    answer = client.delete("/Users")

    assert_refused(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_resource_that_is_not_there_is_404(client: httpx.Client, method: str) -> None:
    assert_refused(client.request(method, "/Users/nobody", json=user("ada")), 404)


# Writing users


def test_what_is_created_can_be_read_back(client: httpx.Client) -> None:
    answer = client.post("/Users", json=user("ada", name={"givenName": "Ada"}, active=False))

    assert answer.status_code == 201
    assert answer.headers["content-type"] == SCIM
    assert answer.headers["location"] == answer.json()["meta"]["location"]
    assert answer.headers["etag"] == answer.json()["meta"]["version"]
    read = client.get(answer.headers["location"])
    assert read.json() == answer.json()
    assert read.json()["name"] == {"givenName": "Ada"}
    assert read.json()["active"] is False
    assert read.json()["meta"]["resourceType"] == "User"


def test_names_are_stored_as_the_schema_spells_them(client: httpx.Client) -> None:
    body = {"SCHEMAS": [CORE_USER.upper()], "USERNAME": "ada", ENTERPRISE_USER.lower(): {"DEPARTMENT": "Platform"}}

    created = client.post("/Users", json=body).json()

    assert created["userName"] == "ada"
    assert created[ENTERPRISE_USER] == {"department": "Platform"}
    assert created["schemas"] == [CORE_USER, ENTERPRISE_USER]


def test_unknown_and_read_only_attributes_and_null_are_ignored(client: httpx.Client) -> None:
    body = user("ada", id="mine", groups=[{"value": "g"}], meta={"version": "9"}, shoeSize=42, title=None, emails=[])

    created = client.post("/Users", json=body).json()

    assert set(created) == {"schemas", "id", "userName", "active", "meta"}
    assert created["id"] != "mine"


def test_a_password_is_accepted_and_never_returned(client: httpx.Client) -> None:
    user_id = create(client, "ada", password="correct horse")

    assert "horse" not in client.get(f"/Users/{user_id}", params={"attributes": "password,userName"}).text
    assert patch(client, f"/Users/{user_id}", {"op": "replace", "path": "password", "value": "x"}).status_code == 200
    assert "password" not in client.get(f"/Users/{user_id}").json()


@pytest.mark.parametrize(
    "attributes",
    [
        {"userName": ""},
        {"userName": 7},
        {"active": "true"},
        {"name": "Ada"},
        {"emails": {"value": "ada@example.com"}},
        {"emails": ["ada@example.com"]},
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        {"x509Certificates": [{"value": "not base64!"}]},
        {ENTERPRISE_USER: "Platform"},
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_its_attribute_is_refused(client: httpx.Client, attributes: dict[str, Any]) -> None:
    assert_refused(client.post("/Users", json=user("ada") | attributes), 400, "invalidValue")
    assert client.get("/Users").json()["totalResults"] == 0


def test_a_user_name_is_unique_in_any_case(client: httpx.Client) -> None:
    create(client, "ada@example.com")
    other = create(client, "grace@example.com")

    assert_refused(client.post("/Users", json=user("ADA@example.com")), 409, "uniqueness")
    assert_refused(client.put(f"/Users/{other}", json=user("Ada@example.com")), 409, "uniqueness")
    change = {"op": "replace", "path": "userName", "value": "ada@EXAMPLE.com"}
    assert_refused(patch(client, f"/Users/{other}", change), 409, "uniqueness")


def test_a_user_name_is_free_again_after_a_change_and_after_a_delete(client: httpx.Client) -> None:
    first = create(client, "ada")
    patch(client, f"/Users/{first}", {"op": "replace", "path": "userName", "value": "augusta"})
    second = create(client, "ada")
    assert client.delete(f"/Users/{second}").status_code == 204

    assert create(client, "ada") not in (first, second)


def test_an_external_id_is_not_unique(client: httpx.Client) -> None:
    create(client, "ada", externalId="1")
    create(client, "grace", externalId="1")

    assert client.get("/Users", params={"filter": 'externalId eq "1"'}).json()["totalResults"] == 2


def test_put_unsets_what_it_does_not_state(client: httpx.Client) -> None:
    user_id = create(client, "ada", title="Engineer", displayName="Ada")

    answer = client.put(f"/Users/{user_id}", json=user("ada", displayName="A"))

    assert answer.status_code == 200
    assert "title" not in answer.json()
    assert answer.json()["displayName"] == "A"
    assert answer.json()["id"] == user_id


def test_a_patch_is_applied_as_a_whole_or_not_at_all(client: httpx.Client) -> None:
    user_id = create(client, "ada", title="Engineer")
    before = client.get(f"/Users/{user_id}").json()

    answer = patch(
        client,
        f"/Users/{user_id}",
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "replace", "path": "active", "value": "no"},
    )

    assert_refused(answer, 400, "invalidValue")
    assert client.get(f"/Users/{user_id}").json() == before


def test_a_required_attribute_cannot_be_removed(client: httpx.Client) -> None:
    user_id = create(client, "ada")

    assert_refused(patch(client, f"/Users/{user_id}", {"op": "remove", "path": "userName"}), 400, "mutability")


def test_what_changes_nothing_leaves_the_version_alone(client: httpx.Client) -> None:
    user_id = create(client, "ada", title="Engineer", emails=[{"value": "ada@example.com", "primary": True}])
    before = client.get(f"/Users/{user_id}").json()

    same = {"op": "add", "path": "emails", "value": [{"value": "ada@example.com", "primary": True}]}
    assert patch(client, f"/Users/{user_id}", same).json() == before
    assert client.put(f"/Users/{user_id}", json=before).json() == before
    changed = patch(client, f"/Users/{user_id}", {"op": "replace", "path": "title", "value": "Boss"}).json()
    assert changed["meta"]["version"] != before["meta"]["version"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match_guards_every_change(client: httpx.Client, method: str) -> None:
    user_id = create(client, "ada")
    url = f"/Users/{user_id}"
    stale = client.get(url).headers["etag"]
    patch(client, url, {"op": "replace", "path": "title", "value": "Boss"})
    body = user("ada") | {"schemas": [CORE_USER, PATCH], "Operations": [{"op": "remove", "path": "title"}]}

    assert_refused(client.request(method, url, json=body, headers={"If-Match": stale}), 412)
    current = client.get(url).headers["etag"]
    assert client.request(method, url, json=body, headers={"If-Match": f'W/"x", {current}'}).is_success


# Queries in a body


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("/.search", {}, ["ada", "grace", "crew", "alan"]),
        ("/.search", {"filter": 'displayName eq "crew"'}, ["crew"]),
        ("/.search", {"startIndex": 2, "count": 2}, ["grace", "crew"]),
        ("/Users/.search", {"filter": 'userName sw "a"'}, ["ada", "alan"]),
        ("/Groups/.search", {}, ["crew"]),
    ],
)
def test_a_query_in_a_body_is_answered_as_one_in_the_address(
    client: httpx.Client, path: str, query: dict[str, Any], found: list[str]
) -> None:
    create(client, "ada"), create(client, "grace"), create_group(client, "crew"), create(client, "alan")
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], **query}
    answer = client.post(path, json=body | {"attributes": ["userName", "displayName"]}).raise_for_status().json()
    assert [row.get("userName") or row["displayName"] for row in answer["Resources"]] == found
    assert all("meta" not in row for row in answer["Resources"])


def test_a_query_needs_its_schema(client: httpx.Client) -> None:
    assert_refused(client.post("/.search", json={"filter": "active eq true"}), 400, "invalidSyntax")


# Groups and memberships


def test_a_membership_shows_on_both_sides_and_goes_with_the_user(client: httpx.Client) -> None:
    ada = create(client, "ada", displayName="Ada")
    group = create_group(client, "team", ada)

    url = str(client.base_url.join(f"Users/{ada}"))
    assert client.get(f"/Groups/{group}").json()["members"] == [{"value": ada, "$ref": url, "type": "User"}]
    shown = client.get(f"/Users/{ada}").json()["groups"]
    assert shown == [{"value": group, "display": "team", "type": "direct"}]
    client.delete(f"/Users/{ada}")
    assert "members" not in client.get(f"/Groups/{group}").json()


def test_a_membership_goes_with_the_group(client: httpx.Client) -> None:
    ada = create(client, "ada")
    group = create_group(client, "team", ada)

    client.delete(f"/Groups/{group}")

    assert "groups" not in client.get(f"/Users/{ada}").json()


def test_a_new_name_shows_everywhere(client: httpx.Client) -> None:
    group = create_group(client, "team", create(client, "ada"))
    client.get("/Users"), client.get("/Groups")

    patch(client, f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "crew"})

    assert client.get("/Users").json()["Resources"][0]["groups"][0]["display"] == "crew"


def test_members_change_by_path(client: httpx.Client) -> None:
    ada, grace, alan = (create(client, name) for name in ("ada", "grace", "alan"))
    group = create_group(client, "team", ada)
    url = f"/Groups/{group}"

    answer = patch(client, url, {"op": "add", "path": "members", "value": [{"value": grace}, {"value": alan}]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert members_of(client, group) == [ada, grace, alan]
    patch(client, url, {"op": "remove", "path": f'members[value eq "{grace}"]'})
    assert members_of(client, group) == [ada, alan]
    patch(client, url, {"op": "remove", "path": f'members[value eq "{ada}" or type eq "Group"]'})
    assert members_of(client, group) == [alan]
    patch(client, url, {"op": "replace", "path": "members", "value": [{"value": grace}]})
    assert members_of(client, group) == [grace]
    patch(client, url, {"op": "replace", "path": f'members[value eq "{grace}"]', "value": {"value": ada}})
    assert members_of(client, group) == [ada]
    patch(client, url, {"op": "add", "value": {"members": [{"value": alan}]}})
    assert members_of(client, group) == [ada, alan]
    patch(client, url, {"op": "remove", "path": "members"})
    assert members_of(client, group) == []


def test_members_change_in_order_and_as_a_whole(client: httpx.Client) -> None:
    ada, grace = create(client, "ada"), create(client, "grace")
    group = create_group(client, "team", ada)
    empty = {"op": "remove", "path": "members"}

    unknown = {"op": "add", "path": "members", "value": [{"value": "nobody"}]}
    assert_refused(patch(client, f"/Groups/{group}", empty, unknown), 400, "invalidValue")
    assert members_of(client, group) == [ada]
    add = {"op": "add", "path": "members", "value": [{"value": grace}]}
    assert patch(client, f"/Groups/{group}", empty, add).status_code == 204
    assert members_of(client, group) == [grace]


def test_an_edge_that_is_there_or_is_gone_already_is_a_success_without_a_change(client: httpx.Client) -> None:
    ada, grace = create(client, "ada"), create(client, "grace")
    group = create_group(client, "team", ada)
    before = client.get(f"/Groups/{group}").json()

    assert patch(client, f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": ada}]}).is_success
    gone = {"op": "remove", "path": f'members[value eq "{grace}"]'}
    assert patch(client, f"/Groups/{group}", gone).is_success
    assert client.get(f"/Groups/{group}").json() == before


MEMBER_REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "replace of a member who is not in": (
        {"op": "replace", "path": 'members[value eq "x"]', "value": {"value": "y"}},
        "noTarget",
    ),
    "remove with a value": ({"op": "remove", "path": "members", "value": [{"value": "x"}]}, "invalidSyntax"),
    "a change inside a member": ({"op": "replace", "path": "members.value", "value": "x"}, "mutability"),
    "another type for a member": (
        {"op": "replace", "path": 'members[value eq "x"].type', "value": "Group"},
        "mutability",
    ),
    "an add to a member who is not in": (
        {"op": "add", "path": 'members[value eq "x"]', "value": {"value": "y"}},
        "noTarget",
    ),
    "a member without a value": ({"op": "add", "path": "members", "value": [{"type": "User"}]}, "invalidValue"),
}


@pytest.mark.parametrize(("operation", "scim_type"), MEMBER_REFUSALS.values(), ids=MEMBER_REFUSALS.keys())
def test_a_change_of_members_that_makes_no_sense_leaves_them_alone(
    client: httpx.Client, operation: dict[str, Any], scim_type: str
) -> None:
    ada = create(client, "ada")
    group = create_group(client, "team", ada)

    assert_refused(patch(client, f"/Groups/{group}", operation), 400, scim_type)
    assert members_of(client, group) == [ada]


def test_put_of_a_group_without_members_empties_it(client: httpx.Client) -> None:
    group = create_group(client, "team", create(client, "ada"))

    client.put(f"/Groups/{group}", json={"schemas": [CORE_GROUP], "displayName": "team"})

    assert members_of(client, group) == []


def test_a_group_can_be_a_member_of_another_but_not_of_itself(client: httpx.Client) -> None:
    core = create_group(client, "core")
    team = create_group(client, "team", core)

    url = str(client.base_url.join(f"Groups/{core}"))
    assert client.get(f"/Groups/{team}").json()["members"] == [{"value": core, "$ref": url, "type": "Group"}]
    itself = {"op": "add", "path": "members", "value": [{"value": team}]}
    assert_refused(patch(client, f"/Groups/{team}", itself), 400, "invalidValue")


# Listing


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [resource["userName"] for resource in answer.json()["Resources"]]


def test_pages_are_cut_by_index_in_the_order_of_creation(client: httpx.Client) -> None:
    for number in range(7):
        create(client, f"user{6 - number}")

    page = client.get("/Users", params={"startIndex": 3, "count": 2})

    assert names(page) == ["user4", "user3"]
    body = page.json()
    assert (body["totalResults"], body["startIndex"], body["itemsPerPage"]) == (7, 3, 2)
    assert names(client.get("/Users", params={"startIndex": -5, "count": 1})) == ["user6"]
    assert names(client.get("/Users", params={"startIndex": 8})) == []
    assert names(client.get("/Users", params={"count": -1})) == []


def test_a_count_of_zero_gives_the_total_only(client: httpx.Client) -> None:
    create(client, "ada")

    body = client.get("/Users", params={"count": 0}).json()

    assert (body["totalResults"], body["itemsPerPage"], body["Resources"]) == (1, 0, [])


def test_no_page_is_larger_than_the_limit(client: httpx.Client, sandbox: Sandbox) -> None:
    for number in range(201):
        sandbox.directory.create(Kind.USER, user(f"user{number}"))

    assert client.get("/Users", params={"count": 1000}).json()["itemsPerPage"] == 200
    assert client.get("/Users").json()["itemsPerPage"] == 200


def test_a_start_that_is_no_number_is_refused(client: httpx.Client) -> None:
    assert_refused(client.get("/Users", params={"startIndex": "one"}), 400, "invalidValue")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "ADA"', ["ada"]),
        (f'{CORE_USER}:userName eq "ada"', ["ada"]),
        ('title co "engineer" and not (userName sw "g")', ["ada"]),
        (f'{ENTERPRISE_USER}:department eq "Platform" or userName eq "alan"', ["grace", "alan"]),
        ('groups.display eq "team"', ["grace"]),
        ("emails pr", []),
        ('meta.created gt "2020-01-01T00:00:00Z"', ["ada", "grace", "alan"]),
    ],
)
def test_filters_find(client: httpx.Client, text: str, expected: list[str]) -> None:
    create(client, "ada", title="Engineer")
    grace = create(client, "grace", title="Engineer", **{ENTERPRISE_USER: {"department": "platform"}})
    create(client, "alan")
    create_group(client, "team", grace)

    assert names(client.get("/Users", params={"filter": text})) == expected


def test_a_filter_sees_every_change(client: httpx.Client) -> None:
    user_id = create(client, "ada", title="Engineer")
    search = {"filter": 'title eq "Engineer"'}
    assert names(client.get("/Users", params=search)) == ["ada"]

    patch(client, f"/Users/{user_id}", {"op": "replace", "path": "title", "value": "Boss"})

    assert names(client.get("/Users", params=search)) == []


@pytest.mark.parametrize("text", ["userName eq", 'userName like "x"', "active gt true", "(" * 5000])
def test_a_filter_that_cannot_be_read_is_refused(client: httpx.Client, text: str) -> None:
    assert_refused(client.get("/Users", params={"filter": text}), 400, "invalidFilter")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"attributes": "userName"}, {"userName": "ada"}),
        ({"attributes": "USERNAME, name.givenName"}, {"userName": "ada", "name": {"givenName": "Ada"}}),
        ({"attributes": "emails.value"}, {"emails": [{"value": "ada@example.com"}]}),
        ({"attributes": f"{ENTERPRISE_USER}:department"}, {ENTERPRISE_USER: {"department": "Platform"}}),
        ({"attributes": "nickName,shoeSize"}, {}),
        (
            {"excludedAttributes": f"id,meta,active,groups,emails.type,name.givenName,{ENTERPRISE_USER}"},
            {"userName": "ada", "name": {"familyName": "Example"}, "emails": [{"value": "ada@example.com"}]},
        ),
    ],
    ids=str,
)
def test_only_the_attributes_asked_for_are_returned(
    client: httpx.Client, parameters: dict[str, str], expected: dict[str, Any]
) -> None:
    ada = create(
        client,
        "ada",
        name={"givenName": "Ada", "familyName": "Example"},
        emails=[{"value": "ada@example.com", "type": "work"}],
        **{ENTERPRISE_USER: {"department": "Platform"}},
    )
    create_group(client, "team", ada)

    always = {"schemas": [CORE_USER, ENTERPRISE_USER], "id": ada}
    assert client.get(f"/Users/{ada}", params=parameters).json() == always | expected
    assert client.get("/Users", params=parameters).json()["Resources"] == [always | expected]


def test_groups_can_be_listed_without_their_members(client: httpx.Client) -> None:
    create_group(client, "team", create(client, "ada"))

    (group,) = client.get("/Groups", params={"excludedAttributes": "members"}).json()["Resources"]

    assert group["displayName"] == "team"
    assert "members" not in group


def test_attributes_and_excluded_attributes_exclude_each_other(client: httpx.Client) -> None:
    both = {"attributes": "userName", "excludedAttributes": "emails"}

    assert_refused(client.get("/Users", params=both), 400, "invalidValue")


# What a test can see


def test_requests_are_recorded_with_their_answers_and_without_the_token(client: httpx.Client, sandbox: Sandbox) -> None:
    create(client, "ada")
    client.get("/Users", params={"count": 1})
    client.get("/Users/nobody")

    create_request, listing, miss = sandbox.requests
    assert (create_request.method, create_request.status, create_request.json()) == ("POST", 201, user("ada"))
    assert (listing.path, listing.query, listing.body) == ("/scim/v2/Users", "count=1", b"")
    assert miss.status == 404
    assert sandbox.request_count == 3
    assert sandbox.token not in repr(sandbox.requests)


def test_ids_are_the_same_in_every_run() -> None:
    with leaving(Sandbox()) as one, leaving(Sandbox()) as other:
        ids = [[s.directory.create(Kind.USER, user(name)).id for name in ("ada", "grace")] for s in (one, other)]

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_every_answer_names_its_request_and_no_two_alike(sandbox: Sandbox, client: httpx.Client) -> None:
    answers = [client.get("/Users"), client.get("/Users/nobody"), client.get("/Users", headers={"Authorization": ""})]
    assert [answer.status_code for answer in answers] == [200, 404, 401]
    named = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(named)) == 3
    assert [request.request_id for request in sandbox.requests] == named

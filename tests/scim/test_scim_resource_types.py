"""What /ResourceTypes decides: whose an extension is, whether there are groups, and where resources live."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopback import Reply, error, serving
from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, rfc7643_documents
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import load_dialect
from reconciler.scim.discovery import Discovery, discover
from reconciler.scim.retry import RetryPolicy

BADGES = "urn:example:schemas:extension:badges:1.0"
TEAMS = "urn:example:schemas:extension:teams:1.0:Group"
DEVICE = "urn:example:schemas:core:2.0:Device"


def resource_type(schema: str, endpoint: str, *extensions: str) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "schema": schema,
        "schemaExtensions": [{"schema": urn, "required": False} for urn in extensions],
    }


def user_type(*extensions: str, endpoint: str = "/Users") -> dict[str, Any]:
    return resource_type(CORE_USER, endpoint, *extensions)


def group_type(*extensions: str, endpoint: str = "/Groups") -> dict[str, Any]:
    return resource_type(CORE_GROUP, endpoint, *extensions)


def definition(urn: str) -> dict[str, Any]:
    return {"id": urn, "attributes": [{"name": "number"}]}


def discovered(types: Reply | list[Any], *schemas: dict[str, Any]) -> Discovery:
    """Return what is known of a server with these resource types, RFC 7643's core schemas, and more schemas."""
    core = [rfc7643_documents()[CORE_USER], rfc7643_documents()[CORE_GROUP]]
    replies = {
        "/ServiceProviderConfig": Reply(body={}),
        "/Schemas": Reply(body=[*core, *schemas]),
        "/ResourceTypes": types if isinstance(types, Reply) else Reply(body=types),
    }
    with serving(lambda request: replies[request.path]) as server:

        async def run() -> Discovery:
            async with ScimClient(server.url, "token", retry=RetryPolicy(attempts=1)) as client:
                return await discover(client, load_dialect("generic"))

        return asyncio.run(run())


def extensions(found: Discovery) -> tuple[list[str], list[str]]:
    """Return the URNs of the extensions of users, and of those of groups."""
    return sorted(found.schemas.user.extensions), sorted(found.schemas.group.extensions)


@pytest.mark.parametrize(
    ("types", "users", "groups"),
    [
        pytest.param([user_type(BADGES), group_type()], [BADGES], [], id="users"),
        pytest.param([user_type(), group_type(BADGES)], [], [BADGES], id="groups, against its URN"),
        pytest.param([user_type(BADGES), group_type(BADGES)], [BADGES], [BADGES], id="both"),
        pytest.param([user_type(), resource_type(DEVICE, "/Devices", BADGES)], [], [], id="another type"),
        pytest.param([user_type(), resource_type(BADGES, "/Badges")], [], [], id="a type of its own"),
        pytest.param([user_type(), group_type()], [BADGES], [], id="not said: users by its URN"),
        pytest.param([user_type(BADGES.upper()), group_type()], [BADGES], [], id="in another case"),
        pytest.param([{"schema": CORE_GROUP, "schemaExtensions": [BADGES]}], [], [BADGES], id="plain URNs"),
        pytest.param([{"SCHEMA": CORE_GROUP, "schemaextensions": [{"Schema": BADGES}]}], [], [BADGES], id="spelling"),
    ],
)
def test_an_extension_belongs_to_whom_the_resource_types_say(
    types: list[Any], users: list[str], groups: list[str]
) -> None:
    assert extensions(discovered(types, definition(BADGES))) == (users, groups)


@pytest.mark.parametrize(
    "types",
    [
        pytest.param(error(404, "none"), id="not found"),
        pytest.param(error(501, "none"), id="not implemented"),
        pytest.param(Reply(200, b"<html>"), id="a web page"),
        pytest.param(Reply(body={}), id="nothing"),
        pytest.param(Reply(body=["User", None, {}, {"schema": 7}]), id="nothing that says anything"),
    ],
)
def test_without_resource_types_the_urn_decides_and_a_note_says_so(types: Reply) -> None:
    found = discovered(types, definition(BADGES), definition(TEAMS))

    assert extensions(found) == ([BADGES], [TEAMS])
    assert [note.code for note in found.notes] == ["no-resource-types"]
    assert not found.without_groups


@pytest.mark.parametrize("broken", ["none", None, [None, 7, {}, {"schema": ""}]])
def test_extensions_that_cannot_be_read_are_none(broken: Any) -> None:
    found = discovered([{"schema": CORE_USER, "endpoint": "/Users", "schemaExtensions": broken}], definition(TEAMS))

    assert extensions(found) == ([], [TEAMS])


def test_the_enterprise_extension_that_only_the_resource_types_name_is_that_of_the_rfc_and_noted() -> None:
    found = discovered([user_type(ENTERPRISE_USER), group_type()])

    assert found.schemas.user.find("department", urn=ENTERPRISE_USER) is not None
    assert [note.code for note in found.notes] == ["no-extension-schema"]


def test_the_schemas_of_the_protocols_messages_extend_nobody() -> None:
    message = definition("urn:ietf:params:scim:api:messages:2.0:PatchOp")

    assert extensions(discovered([user_type(), group_type()], message)) == ([], [])


@pytest.mark.parametrize("endpoint", ["/Users", "Users", "/Users/", "/scim/v2/Users", "https://example.com/v2/Users"])
def test_the_usual_endpoint_is_recognised_however_it_is_written(endpoint: str) -> None:
    assert discovered([user_type(endpoint=endpoint), group_type()]).notes == ()


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ([user_type(endpoint="/People"), group_type()], "a type of users at /People; only /Users is read"),
        ([user_type(), user_type(endpoint="/Admins"), group_type()], "a type of users at /Admins; only /Users is"),
        ([user_type(), group_type(endpoint="/v2/Roles")], "a type of groups at /v2/Roles; only /Groups is read"),
        ([user_type(), group_type(endpoint="")], "a type of groups at an endpoint that it does not name"),
        ([user_type(endpoint="/\x1b[2JPeople"), group_type()], "a type of users at /\ufffd[2JPeople"),
    ],
)
def test_users_and_groups_at_another_endpoint_are_noted(types: list[Any], message: str) -> None:
    (note,) = discovered(types).notes

    assert note.code == "other-endpoint"
    assert message in note.message


@pytest.mark.parametrize(
    ("types", "without"),
    [
        ([user_type()], True),
        ([user_type(), resource_type(DEVICE, "/Devices")], True),
        ([user_type(), group_type()], False),
        ([user_type(), resource_type("urn:example:Team", "/Groups")], False),
        ([resource_type(DEVICE, "/Devices")], False),
        ([], False),
    ],
)
def test_a_server_has_no_groups_where_it_names_users_and_no_groups(types: list[Any], without: bool) -> None:
    assert discovered(types).without_groups is without

"""What is taken from a service provider's own description, from its dialect, and from nowhere."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from loopback import Reply, Request, error, list_response, serving
from reconciler.attributes import CORE_GROUP, CORE_USER, ENTERPRISE_USER, rfc7643, rfc7643_documents
from reconciler.capabilities import AttributeRule, Authority, Capabilities, Paging, Statement
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import Dialect, load_dialect
from reconciler.scim.discovery import Discovery, discover
from reconciler.scim.errors import ConnectionFailed, MalformedAnswer, ScimError, Unauthorized
from reconciler.scim.retry import RetryPolicy

SCHEMAS = list(rfc7643_documents().values())
USER_TYPE = {
    "endpoint": "/Users",
    "schema": CORE_USER,
    "schemaExtensions": [{"schema": ENTERPRISE_USER, "required": False}],
}
GROUP_TYPE = {"endpoint": "/Groups", "schema": CORE_GROUP, "schemaExtensions": []}
TYPES = Reply(body=[USER_TYPE, GROUP_TYPE])
GENERIC = load_dialect("generic")


def discovered(config: Reply, schemas: Reply, dialect: Dialect = GENERIC, *, types: Reply = TYPES) -> Discovery:
    replies = {"/ServiceProviderConfig": config, "/Schemas": schemas, "/ResourceTypes": types}
    with serving(lambda request: replies[request.path]) as server:

        async def run() -> Discovery:
            async with ScimClient(server.url, "token", retry=RetryPolicy(attempts=1)) as client:
                return await discover(client, dialect)

        return asyncio.run(run())


def test_the_three_documents_are_asked_for_together() -> None:
    together = threading.Barrier(3)

    def respond(_request: Request) -> Reply:
        together.wait(timeout=30)
        return error(404, "none")

    async def run(url: str) -> Discovery:
        async with ScimClient(url, "token", retry=RetryPolicy(attempts=1)) as client:
            return await discover(client, GENERIC)

    with serving(respond) as server:
        asyncio.run(run(server.url))

    assert sorted(request.path for request in server.requests) == [
        "/ResourceTypes",
        "/Schemas",
        "/ServiceProviderConfig",
    ]


@pytest.mark.parametrize(
    "schemas",
    [
        pytest.param(list_response(SCHEMAS, total=3), id="ListResponse"),
        pytest.param(Reply(body=SCHEMAS), id="bare list"),
        pytest.param(Reply(body={"resources": SCHEMAS}), id="another spelling"),
    ],
)
def test_the_servers_schemas_are_taken(schemas: Reply) -> None:
    found = discovered(Reply(body={}), schemas)

    assert (found.schemas, found.capabilities, found.notes) == (rfc7643(), Capabilities(), ())


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"patch": {"supported": False}}, Capabilities(patch_users=False, patch_groups=False)),
        ({"Patch": {"Supported": "false"}}, Capabilities(patch_users=False, patch_groups=False)),
        ({"patch": {"supported": True}}, Capabilities()),
        ({"patch": {"supported": "perhaps"}}, Capabilities()),
        ({"patch": True, "filter": "yes"}, Capabilities()),
        ({"bulk": {"supported": True, "maxOperations": 7}}, Capabilities(bulk_operations=7)),
        (
            {"bulk": {"supported": "true", "maxOperations": "7", "maxPayloadSize": 1024}},
            Capabilities(bulk_operations=7, bulk_bytes=1024),
        ),
        ({"bulk": {"supported": False, "maxOperations": 7, "maxPayloadSize": 1024}}, Capabilities()),
        ({"bulk": {"supported": True}}, Capabilities()),
        ({"bulk": {"maxOperations": 7}}, Capabilities()),
        ({"etag": {"supported": True}}, Capabilities(etag=True)),
        ({"etag": {"supported": "False"}}, Capabilities()),
        ({"filter": {"supported": False, "maxResults": 0}}, Capabilities(user_filters=(), group_filters=())),
        ({"filter": {"supported": True}}, Capabilities()),
        ({"pagination": {"cursor": True, "index": False}}, Capabilities(paging=Paging.CURSOR)),
        ({"pagination": {"cursor": "true"}}, Capabilities(paging=Paging.CURSOR)),
        ({"pagination": {"cursor": True, "index": True}}, Capabilities(paging=Paging.INDEX)),
        (
            {"pagination": {"cursor": True, "index": True, "defaultPaginationMethod": "Cursor"}},
            Capabilities(paging=Paging.CURSOR),
        ),
        (
            {"pagination": {"cursor": True, "index": True, "defaultPaginationMethod": "index"}},
            Capabilities(paging=Paging.INDEX),
        ),
        ({"pagination": {"cursor": False, "index": False}}, Capabilities(paging=Paging.NONE)),
        ({"pagination": {"cursor": False}}, Capabilities(paging=Paging.INDEX)),
        ({"pagination": "cursor"}, Capabilities()),
    ],
)
def test_capabilities_come_from_the_service_provider_config(config: dict[str, Any], expected: Capabilities) -> None:
    assert discovered(Reply(body=config), Reply(body=SCHEMAS)).capabilities == expected


def test_every_capability_tells_who_states_it() -> None:
    config = {
        "patch": {"supported": True},
        "etag": {"supported": True},
        "bulk": {"supported": True, "maxOperations": 7, "maxPayloadSize": 1024},
        "filter": {"supported": False},
        "pagination": {"cursor": True, "index": False, "maxPageSize": 50},
    }

    found = discovered(Reply(body=config), Reply(body=SCHEMAS), types=Reply(body=[USER_TYPE])).statements

    assert {name: one.source for name, one in found.items() if one.authority is Authority.SERVER} == {
        "paging": "/ServiceProviderConfig pagination.cursor",
        "page_size": "/ServiceProviderConfig filter.maxResults, pagination.maxPageSize",
        "group_page_size": "as page_size",
        "groups": "/ResourceTypes has none",
        "user_filters": "/ServiceProviderConfig filter.supported",
        "group_filters": "/ServiceProviderConfig filter.supported",
        "patch_users": "/ServiceProviderConfig patch.supported",
        "patch_groups": "/ServiceProviderConfig patch.supported",
        "etag": "/ServiceProviderConfig etag.supported",
        "bulk_operations": "/ServiceProviderConfig bulk.maxOperations",
        "bulk_bytes": "/ServiceProviderConfig bulk.maxPayloadSize",
    }


def stating(**capabilities: Any) -> Dialect:
    statements = {name: Statement(value=value, authority=Authority.DIALECT) for name, value in capabilities.items()}
    return Dialect(name="own", description="States what a test needs.", capabilities=statements)


def test_the_rules_of_a_dialect_hold_in_spite_of_the_servers_schemas() -> None:
    rules = (
        AttributeRule(path="User.userName", case_exact=True),
        AttributeRule(path="user.emails.value", returned="never"),
        AttributeRule(path="User.department", mutability="readOnly"),
        AttributeRule(path="Group.displayName", mutability="immutable"),
    )

    found = discovered(Reply(body={}), Reply(body=SCHEMAS), stating(attributes=rules))

    assert found.schemas == rfc7643().with_rules(rules)
    assert found.schemas != rfc7643()
    assert found.notes == ()


def test_a_rule_for_an_attribute_that_the_server_does_not_have_is_noted() -> None:
    rules = (AttributeRule(path="User.shoeSize", case_exact=True),)

    found = discovered(Reply(body={}), Reply(body=SCHEMAS), stating(attributes=rules))

    assert found.schemas == rfc7643()
    assert [note.code for note in found.notes] == ["unknown-attribute-rule"]
    assert "User.shoeSize" in found.notes[0].message


@pytest.mark.parametrize(
    ("config", "users", "groups"),
    [
        pytest.param({}, 100, 100, id="not told"),
        pytest.param({"filter": {"maxResults": 0}}, 100, 100, id="none, which cannot be meant"),
        pytest.param({"filter": {"maxResults": 50}}, 50, 50, id="fewer"),
        pytest.param({"filter": {"maxResults": "50"}}, 50, 50, id="fewer, as a string"),
        pytest.param({"filter": {"maxResults": 200}}, 200, 100, id="more"),
        pytest.param({"filter": {"maxResults": 2147483647}}, 1000, 100, id="more than anybody means"),
        pytest.param({"pagination": {"maxPageSize": 20}, "filter": {"maxResults": 50}}, 20, 20, id="by RFC 9865"),
    ],
)
def test_as_many_users_as_the_server_offers_are_asked_for_per_page_and_at_most_a_hundred_groups(
    config: dict[str, Any], users: int, groups: int
) -> None:
    found = discovered(Reply(body=config), Reply(body=SCHEMAS)).capabilities

    assert found == Capabilities(page_size=users, group_page_size=groups)


@pytest.mark.parametrize(
    ("stated", "users", "groups"),
    [
        ({"page_size": 250}, 250, 100),
        ({"page_size": 30}, 30, 30),
        ({"page_size": 300, "group_page_size": 300}, 300, 300),
    ],
)
def test_the_size_of_a_page_that_a_dialect_states_holds(stated: dict[str, int], users: int, groups: int) -> None:
    statements = {name: Statement(value=value, authority=Authority.DIALECT) for name, value in stated.items()}
    dialect = Dialect(name="own", description="States its pages.", capabilities=statements)
    config = Reply(body={"filter": {"maxResults": 20}})

    found = discovered(config, Reply(body=SCHEMAS), dialect).capabilities

    assert (found.page_size, found.group_page_size) == (users, groups)


def test_the_dialect_knows_better_than_the_server() -> None:
    config = Reply(body={"patch": {"supported": False}, "filter": {"maxResults": 200}})

    found = discovered(config, Reply(body=SCHEMAS), load_dialect("atlassian")).capabilities

    assert found.patch_users
    assert found.patch_groups
    assert (found.page_size, found.group_page_size) == (100, 100)


@pytest.mark.parametrize("missing", [error(404, "no"), error(501, "no"), error(405, "no")])
def test_what_the_server_does_not_have_is_replaced_and_noted(missing: Reply) -> None:
    found = discovered(missing, missing, types=missing)

    assert (found.schemas, found.capabilities) == (rfc7643(), Capabilities())
    assert [note.code for note in found.notes] == ["no-service-provider-config", "no-resource-types", "no-schemas"]
    assert {note.severity for note in found.notes} == {"note"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param([], id="an empty list"),
        pytest.param([{"id": CORE_USER}], id="no attributes"),
        pytest.param([{"attributes": [{"name": "x"}]}], id="no id"),
        pytest.param(["x", None], id="no objects"),
        pytest.param([{"id": CORE_USER, "attributes": ["x", {"type": "string"}, {"name": None}]}], id="no names"),
    ],
)
def test_schemas_that_say_nothing_are_replaced_and_noted(body: Any) -> None:
    found = discovered(Reply(body={}), Reply(body=body))

    assert found.schemas == rfc7643()
    assert [note.code for note in found.notes] == ["no-schemas"]


def test_definitions_that_nest_without_end_are_cut_and_no_crash() -> None:
    definition: dict[str, Any] = {"name": "deepest"}
    for _ in range(300):
        definition = {"name": "outer", "type": "complex", "subAttributes": [definition]}

    found = discovered(Reply(body={}), Reply(body=[*SCHEMAS, {"id": "urn:example", "attributes": [definition]}]))

    assert found.schemas.user.find("outer", urn="urn:example") is not None


def test_a_core_schema_that_is_missing_is_that_of_the_rfc_and_noted() -> None:
    own = {"id": CORE_USER, "attributes": [{"name": "userName", "caseExact": True, "subAttributes": "none"}]}

    found = discovered(Reply(body={}), Reply(body=[own]))

    username = found.schemas.user.find("userName")
    assert username is not None
    assert username.case_exact
    assert found.schemas.group == rfc7643().group
    assert [note.code for note in found.notes] == ["no-core-schema", "no-extension-schema"]
    assert CORE_GROUP in found.notes[0].message


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "no"), Unauthorized),
        (error(403, "no"), Unauthorized),
        (Reply(reset=True), ConnectionFailed),
        (Reply(200, b'{"Resources": ['), MalformedAnswer),
    ],
)
def test_what_would_stop_everything_else_stops_discovery(reply: Reply, kind: type[ScimError]) -> None:
    with pytest.raises(kind):
        discovered(Reply(body={}), reply)
    with pytest.raises(kind):
        discovered(reply, Reply(body=SCHEMAS))


@pytest.mark.parametrize("reply", [error(401, "no"), error(403, "no"), Reply(reset=True)])
def test_a_refused_token_or_a_lost_connection_is_no_missing_document(reply: Reply) -> None:
    with pytest.raises(ScimError):
        discovered(Reply(body={}), Reply(body=SCHEMAS), types=reply)

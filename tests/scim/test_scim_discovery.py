"""What is taken from a service provider's own description, from its dialect, and from nowhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopback import Reply, error, list_response, serving
from reconciler.attributes import CORE_GROUP, CORE_USER, rfc7643, rfc7643_documents
from reconciler.capabilities import Capabilities, UserDelete
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import Dialect, DialectError, dialect_names, load_dialect
from reconciler.scim.discovery import Discovery, discover
from reconciler.scim.errors import ConnectionFailed, MalformedAnswer, ScimError, Unauthorized
from reconciler.scim.retry import RetryPolicy

SCHEMAS = list(rfc7643_documents().values())
GENERIC = load_dialect("generic")


def discovered(config: Reply, schemas: Reply, dialect: Dialect = GENERIC) -> Discovery:
    replies = {"/ServiceProviderConfig": config, "/Schemas": schemas}
    with serving(lambda request: replies[request.path]) as server:

        async def run() -> Discovery:
            async with ScimClient(server.url, "token", retry=RetryPolicy(attempts=1)) as client:
                return await discover(client, dialect)

        return asyncio.run(run())


@pytest.mark.parametrize(
    "schemas",
    [
        pytest.param(list_response(SCHEMAS, total=3), id="ListResponse"),
        pytest.param(Reply(body=SCHEMAS), id="bare list"),
        pytest.param(Reply(body={"resources": SCHEMAS}), id="another spelling"),
    ],
)
def test_the_servers_schemas_are_taken(schemas: Reply) -> None:
    assert discovered(Reply(body={}), schemas) == Discovery(schemas=rfc7643(), capabilities=Capabilities())


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"patch": {"supported": False}}, Capabilities(patch_users=False, patch_groups=False)),
        ({"Patch": {"Supported": "false"}}, Capabilities(patch_users=False, patch_groups=False)),
        ({"patch": {"supported": True}}, Capabilities()),
        ({"patch": {"supported": "perhaps"}}, Capabilities()),
        ({"patch": True, "filter": "yes"}, Capabilities()),
        ({"filter": {"supported": True, "maxResults": 50}}, Capabilities(page_size=50)),
        ({"filter": {"supported": True, "maxResults": "50"}}, Capabilities(page_size=50)),
        ({"filter": {"supported": True, "maxResults": 0}}, Capabilities()),
        ({"filter": {"supported": True, "maxResults": 500}}, Capabilities()),
        ({"pagination": {"maxPageSize": 20}, "filter": {"maxResults": 50}}, Capabilities(page_size=20)),
        ({"bulk": {"supported": True, "maxOperations": 7}}, Capabilities()),
    ],
)
def test_capabilities_come_from_the_service_provider_config(config: dict[str, Any], expected: Capabilities) -> None:
    assert discovered(Reply(body=config), Reply(body=SCHEMAS)).capabilities == expected


def test_the_dialect_knows_better_than_the_server() -> None:
    config = Reply(body={"patch": {"supported": False}, "filter": {"maxResults": 20}})

    found = discovered(config, Reply(body=SCHEMAS), load_dialect("atlassian")).capabilities

    assert found.patch_users
    assert found.patch_groups
    assert found.page_size == 20


@pytest.mark.parametrize("missing", [error(404, "no"), error(501, "no"), error(405, "no")])
def test_what_the_server_does_not_have_is_replaced_and_noted(missing: Reply) -> None:
    found = discovered(missing, missing)

    assert (found.schemas, found.capabilities) == (rfc7643(), Capabilities())
    assert [note.code for note in found.notes] == ["no-service-provider-config", "no-schemas"]
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


def test_a_core_schema_that_is_missing_is_that_of_the_rfc_and_noted() -> None:
    own = {"id": CORE_USER, "attributes": [{"name": "userName", "caseExact": True, "subAttributes": "none"}]}

    found = discovered(Reply(body={}), Reply(body=[own]))

    username = found.schemas.user.find("userName")
    assert username is not None
    assert username.case_exact
    assert found.schemas.group == rfc7643().group
    assert [note.message for note in found.notes] == [
        f"/Schemas does not define {CORE_GROUP}; RFC 7643's definition is used"
    ]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "no"), Unauthorized),
        (error(403, "no"), Unauthorized),
        (Reply(reset=True), ConnectionFailed),
        (Reply(200, b"<html>"), MalformedAnswer),
    ],
)
def test_what_would_stop_everything_else_stops_discovery(reply: Reply, kind: type[ScimError]) -> None:
    with pytest.raises(kind):
        discovered(Reply(body={}), reply)
    with pytest.raises(kind):
        discovered(reply, Reply(body=SCHEMAS))


def test_every_dialect_can_be_loaded() -> None:
    assert dialect_names() == ("atlassian", "generic")
    assert [load_dialect(name).name for name in dialect_names()] == list(dialect_names())
    assert all(load_dialect(name).description for name in dialect_names())


def test_the_generic_dialect_overrides_nothing() -> None:
    assert GENERIC.capabilities == {}


def test_the_atlassian_dialect_says_what_its_documents_say() -> None:
    assert Capabilities(**load_dialect("atlassian").capabilities) == Capabilities(
        page_size=100,
        max_members_per_patch=1000,
        group_rename=False,
        nested_groups=False,
        user_delete=UserDelete.UNLINK,
        unique_names=("User", "Group"),
        reserved_groups=("All members for directory*",),
    )


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("atlasian", "did you mean 'atlassian'?"),
        ("Atlassian", "did you mean 'atlassian'?"),
        ("zzz", "known are atlassian, generic"),
        ("../generic", "did you mean 'generic'?"),
    ],
)
def test_an_unknown_dialect_names_the_nearest(name: str, guess: str) -> None:
    with pytest.raises(DialectError) as caught:
        load_dialect(name)

    assert guess in str(caught.value)
    assert caught.value.known == dialect_names()

"""Live states to import: built by hand where a test is about one thing, random where it is about all."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from reconciler.attributes import ENTERPRISE_USER, Schemas, rfc7643
from reconciler.capabilities import Capabilities
from reconciler.config import TokenSource
from reconciler.desired import load
from reconciler.importing import DirectoryTemplate, ImportReport, Split, write_workspace
from reconciler.model import Live, LiveGroup, LiveUser
from reconciler.planning import Plan, plan

TEMPLATE = DirectoryTemplate(name="test", base_url="https://scim.example.com/v2", token=TokenSource(env="SCIM_TOKEN"))
ACME_URN = "urn:example:params:scim:schemas:extension:acme:1.0:User"


def user(user_id: str, **attributes: Any) -> LiveUser:
    """A live user; ``userName`` follows from the id unless it is given."""
    return LiveUser(id=user_id, attributes={"id": user_id, "userName": f"{user_id}@example.com", **attributes})


def group(group_id: str, *members: str, **attributes: Any) -> LiveGroup:
    """A live group; ``displayName`` is the id unless it is given."""
    return LiveGroup(
        id=group_id, attributes={"id": group_id, "displayName": group_id, **attributes}, members=tuple(members)
    )


def live_state(
    *resources: LiveUser | LiveGroup, schemas: Schemas | None = None, capabilities: Capabilities | None = None
) -> Live:
    """A directory that holds just these."""
    return Live(
        base_url="https://scim.example.com/v2",
        schemas=schemas or rfc7643(),
        capabilities=capabilities or Capabilities(),
        users=tuple(resource for resource in resources if isinstance(resource, LiveUser)),
        groups=tuple(resource for resource in resources if isinstance(resource, LiveGroup)),
    )


def imported(live: Live, folder: Path, split: Split = Split.NONE) -> ImportReport:
    """Import into a new workspace."""
    return write_workspace(live, folder, directory=TEMPLATE, split=split)


def next_plan(live: Live, folder: Path) -> Plan:
    """Plan what was imported against what it was imported from."""
    return plan(load(folder).desired, live, as_of=datetime(2026, 6, 1, tzinfo=UTC))


# fmt: off
_AWKWARD = (
    "Null", "NO", "on", "true", "1_000", "12:30:00", "2026-01-01", "0o17", "1001", "1.5", "1e+16", "-", "~", "=", "<<",
    "[x", "{x", "*x", "&x", "!x", "%x", "@x", "`x", "'x", '"x', "\\", "C:\\U0001F600", " lead", "trail ", "a: b",
    "a #b", "a\nb", "a\r\nb", "a\tb", "\x85", "\u2028", "\u202e", "\ufeff", "\x00", "\x7f", "\xa0", "\U0001f600",
    "\U00020bb7", "x" * 300,
)
# fmt: on
texts = st.one_of(st.text(max_size=12), st.sampled_from(_AWKWARD))
"""Attribute values, with all that YAML makes difficult."""

keys = texts.filter(lambda key: key != "<<")
"""Names of attributes. A merge key is not one, quoted or not."""

loose_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
"""Values that no schema asked for, as lax servers send them."""

names = st.one_of(
    st.sampled_from(
        ["ada@example.com", "Ada@Example.com", "grace@example.com", "straße", "STRASSE", "1001", "NO", "é", "e\u0301"]
    ),
    st.from_regex(r"[a-z]{1,4}@example\.com", fullmatch=True),
    texts,
)

_emails = st.lists(
    st.fixed_dictionaries(
        {"value": st.one_of(st.from_regex(r"[a-z]{1,4}@example\.com", fullmatch=True), texts)},
        optional={
            "type": st.sampled_from(["work", "home", ""]),
            "primary": st.sampled_from([True, False, "true"]),
            "display": texts,
        },
    ),
    max_size=3,
)
_user_attributes = st.fixed_dictionaries(
    {},
    optional={
        "userName": st.one_of(st.none(), names),
        "externalId": st.one_of(st.sampled_from(["1", "2", 3]), texts),
        "active": st.sampled_from([True, False, None, "False", "true"]),
        "name": st.dictionaries(
            st.sampled_from(["givenName", "familyName", "formatted", "GivenName", "other"]), texts, max_size=3
        ),
        "displayName": texts,
        "title": texts,
        "emails": st.one_of(_emails, loose_values),
        "phoneNumbers": st.lists(
            st.fixed_dictionaries({"value": texts}, optional={"type": st.just("work")}), max_size=2
        ),
        "addresses": st.lists(
            st.dictionaries(st.sampled_from(["locality", "country", "primary"]), texts, max_size=2), max_size=2
        ),
        "roles": loose_values,
        "department": texts,
        "password": texts,
        "groups": st.just([{"value": "g1"}]),
        "custom": loose_values,
        ENTERPRISE_USER: st.dictionaries(
            st.sampled_from(["department", "costCenter", "manager", "other"]), loose_values, max_size=3
        ),
        ACME_URN: st.dictionaries(keys, loose_values, max_size=3),
    },
)
_group_attributes = st.fixed_dictionaries(
    {}, optional={"displayName": st.one_of(st.none(), names), "externalId": texts, "custom": loose_values}
)

_capabilities = st.builds(
    Capabilities, nested_groups=st.booleans(), reserved_groups=st.sampled_from([(), ("a*",), ("*",)])
)


@st.composite
def live_states(draw: st.DrawFn) -> Live:
    """Any directory: names that clash, unknown members, groups in circles, values of any form."""
    user_ids = [f"u{number}" for number in range(draw(st.integers(0, 5)))]
    group_ids = [f"g{number}" for number in range(draw(st.integers(0, 4)))]
    members = st.one_of(st.none(), st.lists(st.sampled_from([*user_ids, *group_ids, "gone"]), max_size=6))
    users = [user(user_id, **draw(_user_attributes)) for user_id in user_ids]
    groups = []
    for group_id in group_ids:
        stated = draw(members)
        live = group(group_id, **draw(_group_attributes))
        groups.append(replace(live, members=None if stated is None else tuple(stated)))
    return live_state(*users, *groups, capabilities=draw(_capabilities))


def in_other_order(live: Live) -> Live:
    """The same directory as a server lists it that keeps no order."""
    return replace(live, users=tuple(reversed(live.users)), groups=tuple(reversed(live.groups)))


def as_sent(live: Live) -> str:
    """The live attributes as JSON, to see whether something changed them."""
    return json.dumps([resource.attributes for resource in (*live.users, *live.groups)])

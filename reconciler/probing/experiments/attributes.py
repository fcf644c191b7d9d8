"""What the server drops, normalises or rewrites: every writable attribute of its schema that RFC 7643 knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.attributes import ENTERPRISE_USER, Attribute, Path, canonical, fold, unassigned
from reconciler.capabilities import AttributeRule
from reconciler.model import Kind
from reconciler.probing.bench import Bench
from reconciler.probing.errors import Undetermined
from reconciler.probing.experiments.creating import new_user, user_body
from reconciler.probing.experiments.writing import differing
from reconciler.probing.seen import Seen, refusal
from reconciler.probing.stock import Made
from reconciler.scim.errors import RequestRefused, ScimError

_CORE: Final[Mapping[str, Any]] = {
    "name": {
        "givenName": "Probe",
        "familyName": "O'Reconciler",
        "middleName": "Mixed Case",
        "honorificPrefix": "Dr.",
        "honorificSuffix": "III",
        "formatted": "Dr. Probe Mixed Case O'Reconciler III",
    },
    "displayName": "Probe Ünï Reconciler",
    "nickName": "Probe Nick",
    "profileUrl": "https://example.com/Probe",
    "title": "Probe Title",
    "userType": "Probe",
    "preferredLanguage": "en-GB",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "phoneNumbers": [{"value": "+1 555 0100", "type": "work"}],
    "ims": [{"value": "Probe.Im", "type": "xmpp"}],
    "addresses": [
        {
            "type": "work",
            "streetAddress": "1 Probe Street",
            "locality": "Probetown",
            "region": "CA",
            "postalCode": "91608",
            "country": "US",
        }
    ],
}
"""Plausible values. Not among them: a password; photos and certificates, which servers fetch or check; and roles and
entitlements, because an experiment must not grant anything, not even to a user that nobody can use."""

_ENTERPRISE: Final[Mapping[str, Any]] = {
    "employeeNumber": "Probe-0100",
    "costCenter": "Probe 4130",
    "organization": "Probe Organization",
    "division": "Probe Division",
    "department": "Probe Department",
}


@dataclass(frozen=True, slots=True)
class _Sent:
    """One value that was written, down to the sub-attributes."""

    path: Path
    value: Any
    definition: Attribute


async def stored(bench: Bench) -> Seen:
    """Write every attribute, and read back what became of it."""
    sent = list(_sendable(bench))
    body = _body(sent)
    user = await bench.attempt(new_user(bench, **body))
    refused: list[str] = []
    if isinstance(user, RequestRefused):
        user, refused = await _one_by_one(bench, body)
    elif isinstance(user, ScimError):
        raise user
    bench.facts.rich = user
    told, rules = _judge([*_named(bench, user), *(one for one in sent if one.path.name not in refused)], user.row)
    if refused:
        told["refused"] = refused
    text = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in told.items())
    return Seen(text=text or "everything is kept as it was written", rules=tuple(rules))


async def deactivation(bench: Bench) -> Seen:
    """Switch a user off and on again, and see what else changes."""
    user = bench.facts.rich or bench.facts.users[2]
    await bench.refresh(user)
    before = user.row
    answer = await bench.attempt(bench.update(user, {"active": False}))
    if isinstance(answer, ScimError):
        raise Undetermined(f"active: false is {refusal(answer)}")
    await bench.refresh(user)
    if bench.live(user).attributes.get("active") in (True, None):
        raise Undetermined("active: false is accepted, and the user is still active")
    rewritten = [name for name in differing(before, user.row) if fold(name) != "active"]
    user.row = {**user.row, **{name: before[name] for name in rewritten if name in before}}
    answer = await bench.attempt(bench.update(user, {"active": True}))
    if isinstance(answer, ScimError):
        back = f"active again: {refusal(answer)}"
    else:
        await bench.refresh(user)
        left = [name for name in differing(before, user.row) if name in rewritten]
        back = f"active again, {', '.join(left)} stays rewritten" if left else "active again, everything is back"
    what = f"the server rewrites {', '.join(rewritten)}" if rewritten else "nothing else changes"
    return Seen(text=f"{what}; {back}", states={"deactivation_mutates": tuple(rewritten)})


def _sendable(bench: Bench) -> Iterator[_Sent]:
    """Yield what the server's schema says can be written, of the attributes that RFC 7643 knows."""
    schema = bench.schema(Kind.USER)
    for urn, values in ((None, _CORE), (ENTERPRISE_USER, _ENTERPRISE)):
        for name, value in values.items():
            definition = schema.find(name, urn=urn)
            if definition is None or not _writable(definition):
                continue
            if not isinstance(value, (dict, list)):
                yield _Sent(Path(name, urn=urn), value, definition)
                continue
            for sub, inner in (value if isinstance(value, dict) else value[0]).items():
                known = definition.sub_attributes.get(fold(sub))
                if known is not None and _writable(known):
                    yield _Sent(Path(name, urn=urn, sub=sub), inner, known)


def _named(bench: Bench, user: Made) -> Iterator[_Sent]:
    """Yield what a user is known by, as it was written: its name, with a capital in it, and what is made from it."""
    stated = user_body(user.name, bench.facts.shape)
    emails = stated.get("emails")
    values = {"userName": user.name, "externalId": stated.get("externalId")}
    if emails:
        values |= {"emails.value": emails[0]["value"], "emails.type": emails[0]["type"]}
    for name, value in values.items():
        definition = Path.parse(name).definition(bench.schema(Kind.USER))
        if value is not None and definition is not None and _writable(definition):
            yield _Sent(Path.parse(name), value, definition)


def _writable(definition: Attribute) -> bool:
    return definition.comparable and definition.mutability in ("readWrite", "immutable")


def _body(sent: list[_Sent]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for one in sent:
        place = body if one.path.urn is None else body.setdefault(one.path.urn, {})
        if one.path.sub is None:
            place[one.path.name] = one.value
        elif isinstance(_CORE[one.path.name], list):
            place.setdefault(one.path.name, [{}])[0][one.path.sub] = one.value
        else:
            place.setdefault(one.path.name, {})[one.path.sub] = one.value
    if ENTERPRISE_USER in body:
        body["schemas"] = [Kind.USER.schema, ENTERPRISE_USER]
    return body


async def _one_by_one(bench: Bench, body: Mapping[str, Any]) -> tuple[Made, list[str]]:
    """Make a user, and write one attribute after the other, where the server refuses them together."""
    user = await new_user(bench)
    refused: list[str] = []
    flat = {name: value for name, value in body.items() if name not in ("schemas", ENTERPRISE_USER)}
    paths = {Path(name): value for name, value in flat.items()} | {
        Path(name, urn=ENTERPRISE_USER): value for name, value in body.get(ENTERPRISE_USER, {}).items()
    }
    for path, value in paths.items():
        parts = {f"{path}.{sub}": inner for sub, inner in value.items()} if isinstance(value, dict) else None
        answer = await bench.attempt(bench.update(user, parts or {str(path): value}))
        if isinstance(answer, ScimError):
            refused.append(path.name)
        await bench.refresh(user)
    return user, refused


def _judge(sent: list[_Sent], row: Mapping[str, Any]) -> tuple[dict[str, list[str]], list[AttributeRule]]:
    """Return what became of the values, and the rules that follow from it."""
    told: dict[str, list[str]] = {}
    rules: list[AttributeRule] = []
    wholes = {fold(one.path.name) for one in sent if not unassigned(_whole(one.path, row))}
    for one in sent:
        kept = fold(one.path.name) in wholes
        path = one.path if kept else Path(one.path.name, urn=one.path.urn)
        value = _value(one.path, row)
        rule: AttributeRule | None = None
        if unassigned(value):
            verdict = "dropped"
            rule = AttributeRule(path=f"User.{path}", returned="never")
        elif value == one.value:
            continue
        elif isinstance(value, str) and fold(value) == fold(one.value):
            verdict = "letter case is changed"
            exact = one.definition.case_exact
            rule = AttributeRule(path=f"User.{path}", case_exact=False) if exact else None
        elif canonical(value, one.definition) == canonical(one.value, one.definition):
            continue
        else:
            verdict = "stored otherwise than written"
        names = told.setdefault(verdict, [])
        label = f"{path.name}{f'.{path.sub}' if path.sub else ''}"
        if label not in names:
            names.append(label)
            rules += [rule] if rule is not None else []
    return told, rules


def _whole(path: Path, row: Mapping[str, Any]) -> Any:
    return Path(path.name, urn=path.urn).get(row)


def _value(path: Path, row: Mapping[str, Any]) -> Any:
    """Return a value as it was read back; of several, that of the first, because one was written."""
    whole = _whole(path, row)
    if path.sub is None:
        return whole
    first = whole[0] if isinstance(whole, list) and whole else whole
    return Path(path.sub).get(first) if isinstance(first, Mapping) else None

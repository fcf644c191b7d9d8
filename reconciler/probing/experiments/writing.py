"""How users and groups are changed: PATCH, PUT, renames, versions and bulk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.applying.forms import is_put
from reconciler.attributes import Path, fold, unassigned
from reconciler.capabilities import AttributeRule
from reconciler.model import Kind
from reconciler.probing.bench import Bench, same
from reconciler.probing.errors import Undetermined
from reconciler.probing.experiments.creating import NO_SUCH_METHOD, user_body
from reconciler.probing.seen import Seen, refusal
from reconciler.probing.stock import Made
from reconciler.scim.answers import member
from reconciler.scim.errors import RequestRefused, ScimError

_CHANGES: Final = ("displayName", "name.familyName", "title")
"""What is changed to see whether anything can be, one after the other."""
_SERVERS_OWN: Final = ("meta", "groups", "schemas", "id")


async def patching_users(bench: Bench) -> Seen:
    """Change a user by PATCH."""
    works, text = await _changed(bench, {"patch_users": True})
    return Seen(text=text, states={"patch_users": works})


async def putting_users(bench: Bench) -> Seen:
    """Change a user by PUT."""
    works, text = await _changed(bench, {"patch_users": False, "put_users": True})
    return Seen(text=text, states={"put_users": works})


async def renaming_users(bench: Bench) -> Seen:
    """Give a user another ``userName``."""
    user = bench.facts.users[2]
    name = bench.stock.next_name(Kind.USER)
    answer = await _write(bench, user, {"userName": name}, {})
    if same(name, user.row.get("userName")):
        user.name = name
        return Seen(text="yes")
    if isinstance(answer, RequestRefused):
        rule = AttributeRule(path="User.userName", mutability="immutable")
        return Seen(text=refusal(answer), rules=(rule,))
    if isinstance(answer, ScimError):
        raise Undetermined(refusal(answer))
    return Seen(
        text="accepted, and it is what it was", rules=(AttributeRule(path="User.userName", mutability="immutable"),)
    )


async def renaming_groups(bench: Bench) -> Seen:
    """Give the group another ``displayName``, by PATCH, or by PUT."""
    told: list[str] = []
    by_patch = renamed = False
    verbs: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("PATCH", {"patch_groups": True}),
        ("PUT", {"patch_groups": False, "put_groups": True}),
    )
    for verb, capabilities in verbs:
        name = bench.stock.next_name(Kind.GROUP)
        await bench.refresh(bench.group)
        answer = await _write(bench, bench.group, {"displayName": name}, capabilities)
        if same(name, bench.group.row.get("displayName")):
            bench.group.name = name
            renamed, by_patch = True, verb == "PATCH"
            told.append(f"{verb}: works")
            break
        told.append(f"{verb}: {refusal(answer) if isinstance(answer, ScimError) else 'accepted, nothing changed'}")
    patched = by_patch
    if not patched and bench.facts.add is not None and not is_put(bench.facts.add):
        patched = True
        told.append("members are added by PATCH")
    states: dict[str, Any] = {"group_rename": renamed, "patch_groups": patched}
    if renamed and not by_patch:
        # Whatever it does to members: where PATCH does not take the name, PUT has to be allowed.
        states["put_groups"] = True
    return Seen(text="; ".join(told), states=states)


async def versions(bench: Bench) -> Seen:
    """Change a user on the condition of a version that it does not have, and of the one that it has."""
    user = bench.facts.users[0]
    await bench.refresh(user)
    version = bench.live(user).version
    if version is None:
        return Seen(text="resources have no version", states={"etag": False})
    wrong = f'{"W/" if version.startswith("W/") else ""}"{bench.stock.mark}"'
    answer = await bench.attempt(bench.update(user, {"displayName": "Probe of a wrong version"}, version=wrong))
    if not isinstance(answer, ScimError):
        return Seen(text="If-Match with a wrong version is ignored", states={"etag": False})
    if answer.status != 412:
        raise Undetermined(f"If-Match with a wrong version: {refusal(answer)}")
    answer = await bench.attempt(bench.update(user, {"displayName": "Probe of its version"}, version=version))
    if isinstance(answer, ScimError):
        return Seen(text=f"If-Match with its own version: {refusal(answer)}", states={"etag": False})
    return Seen(text="If-Match with a wrong version: refused (412), with its own: accepted", states={"etag": True})


async def bulk(bench: Bench) -> Seen:
    """Create a user by one bulk request, and delete it by another (RFC 7644 §3.7)."""
    offered = bench.discovery.capabilities.bulk_operations
    if not offered:
        return Seen(text="not offered", states={"bulk_operations": 0})
    name = bench.stock.next_name(Kind.USER)
    made = bench.note(Kind.USER, name)
    creation = {"method": "POST", "path": "/Users", "bulkId": "user", "data": user_body(name, bench.facts.shape)}
    answer = await bench.attempt(bench.bulk([creation]))
    if isinstance(answer, ScimError):
        if isinstance(answer, RequestRefused):
            bench.forget(made)
            return Seen(text=f"offered, and {refusal(answer)}", states={"bulk_operations": 0})
        raise Undetermined(refusal(answer))
    made.id = _located(answer)
    if made.id is None or not await bench.settle(lambda: bench.read(made), bool):
        return Seen(text="offered, and nothing was created", states={"bulk_operations": 0})
    answer = await bench.attempt(bench.bulk([{"method": "DELETE", "path": f"/Users/{made.known_id}"}]))
    if isinstance(answer, ScimError):
        raise Undetermined(f"a user was created; deleting it: {refusal(answer)}")
    if not await bench.read(made):
        bench.forget(made)
    return Seen(text="a user was created and deleted by it", states={"bulk_operations": offered})


def _located(answer: Mapping[str, Any]) -> str | None:
    """Return the id of the one resource that a bulk answer says was created."""
    operations = member(answer, "Operations")
    first = operations[0] if isinstance(operations, list) and operations else {}
    location = member(first, "location") if isinstance(first, dict) else None
    if not isinstance(location, str) or not str(member(first, "status")).startswith("2"):
        return None
    return location.rstrip("/").rpartition("/")[2] or None


async def _changed(bench: Bench, capabilities: Mapping[str, Any]) -> tuple[bool, str]:
    """Change one attribute after the other until one changes, and tell what changed with it."""
    user = bench.facts.users[0]
    told: list[str] = []
    for number, path in enumerate(_CHANGES):
        await bench.refresh(user)
        before = user.row
        value = f"Changed {number} {', '.join(capabilities)}"
        answer = await _write(bench, user, {path: value}, capabilities)
        if Path.parse(path).get(user.row) not in (Path.parse(path).get(before), None):
            others = [name for name in differing(before, user.row) if name != path.partition(".")[0]]
            also = f", and with {path} the server changes {', '.join(others)}" if others else ""
            return True, f"{path} was changed{also}"
        if not isinstance(answer, ScimError):
            told.append(f"{path}: accepted, nothing changed")
            continue
        told.append(f"{path}: {refusal(answer)}")
        if answer.status in NO_SUCH_METHOD:
            return False, refusal(answer)
    return False, "; ".join(told)


async def _write(
    bench: Bench, made: Made, changes: Mapping[str, Any], capabilities: Mapping[str, Any]
) -> ScimError | None:
    """Write attributes, and leave what the resource holds afterwards in ``made.row``."""
    known = bench.assume(**capabilities)
    answer = await bench.attempt(bench.update(made, changes, known))

    def arrived(row: Mapping[str, Any]) -> bool:
        return all(Path.parse(path).get(row) == value for path, value in changes.items())

    row = await bench.settle(lambda: bench.read(made), arrived, after=answer)
    made.row = row or made.row
    return answer if isinstance(answer, ScimError) else None


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names of the attributes that differ between two readings, without what the server keeps itself."""
    names = dict.fromkeys((*before, *after))
    return [
        name
        for name in names
        if fold(name) not in _SERVERS_OWN
        and not (unassigned(before.get(name)) and unassigned(after.get(name)))
        and before.get(name) != after.get(name)
    ]

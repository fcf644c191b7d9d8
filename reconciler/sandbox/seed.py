"""What a directory holds, to and from JSON: the seed that it starts with, the data that it keeps between runs.

The form is ``{"users": [SCIM user, …], "groups": [SCIM group with "members": ["userName or id", …], …]}``. Ids, and
the times in ``meta``, are kept where they are stated. ``created`` counts the ids that were given out so far; ``gone``
holds the unique values that belonged to users who cannot be created again, each as ``["userName", "ada"]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from reconciler.attributes import fold
from reconciler.model import Kind
from reconciler.sandbox.behaviour import ATLASSIAN_EXTERNAL
from reconciler.sandbox.directory import Directory
from reconciler.sandbox.errors import RequestRefusedError, SandboxError, SeedError
from reconciler.sandbox.records import Record
from reconciler.sandbox.validation import normalise_resource
from reconciler.whole_file import write_whole

_KEYS = ("users", "groups", "created", "gone")


def read_seed(path: Path) -> Mapping[str, Any]:
    """Return the seed in a JSON file.

    Raises:
        SandboxError: the file cannot be read, or is not JSON.
    """
    try:
        seed = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise SandboxError(f"{path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SandboxError(f"{path}: not JSON: {error}") from error
    if not isinstance(seed, dict):
        raise SandboxError(f"{path}: the file must hold a JSON object with users and groups")
    return seed


def write_data(path: Path, directory: Directory) -> None:
    """Save everything that a directory holds, in the form of a seed: all of it, or the file stays as it was.

    Raises:
        SandboxError: the file cannot be written.
    """
    content = msgspec.json.format(msgspec.json.encode(dump(directory)), indent=1)
    try:
        write_whole(path, content, private=True)
    except OSError as error:
        raise SandboxError(f"{path}: {error.strerror or error}") from error


def dump(directory: Directory) -> dict[str, Any]:
    """Return everything that a directory holds as a seed, without what its server keeps by itself."""
    with directory.lock:
        own = directory.representation.own
        groups = (record for record in directory.search(Kind.GROUP) if not record.kept)
        return {
            "users": [{**own(record), **record.concealed} for record in directory.search(Kind.USER)],
            "groups": [own(record) | {"members": list(record.members)} for record in groups],
            "created": directory.created,
        } | ({"gone": gone} if (gone := directory.blocked) else {})


def load_seed(directory: Directory, seed: Mapping[str, Any]) -> None:
    """Add what a seed holds to a directory, by the same rules as requests. Groups may name each other in any order.

    Made for many: it adds 100,000 users and 1,000,000 memberships in seconds.

    Raises:
        SeedError: with the place in the JSON. What came before it has been added: throw the directory away.
    """
    unknown = [name for name in seed if name not in _KEYS]
    if unknown:
        raise SeedError(str(unknown[0]), f"unknown key; a seed has {', '.join(_KEYS)}")
    with directory.lock:
        for place, document in _documents(seed, "users"):
            _add(directory, Kind.USER, document, place)
        groups = [
            (place, document.get("members"), _add(directory, Kind.GROUP, document, place))
            for place, document in _documents(seed, "groups")
        ]
        for place, members, group in groups:
            _add_members(directory, group, members, f"{place}.members")
        created = seed.get("created", directory.created)
        if not isinstance(created, int) or isinstance(created, bool):
            raise SeedError("created", "must be a whole number")
        directory.created = max(created, directory.created)
        _block(directory, seed.get("gone", []))


def _block(directory: Directory, gone: object) -> None:
    try:
        directory.block(msgspec.convert(gone, list[tuple[str, str]]))
    except msgspec.ValidationError as error:
        raise SeedError("gone", f"must be a list of pairs of an attribute and a value: {error}") from error


def _documents(seed: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    documents = seed.get(name, [])
    if not isinstance(documents, list):
        raise SeedError(name, "must be a list")
    for index, document in enumerate(documents):
        if not isinstance(document, dict):
            raise SeedError(f"{name}[{index}]", "must be an object")
        yield f"{name}[{index}]", document


def _add(directory: Directory, kind: Kind, document: Mapping[str, Any], place: str) -> Record:
    resource_id = document.get("id")
    if resource_id is not None:
        if not isinstance(resource_id, str) or not resource_id or "/" in resource_id:
            raise SeedError(f"{place}.id", "must be a string without a slash")
        if directory.has_id(resource_id):
            raise SeedError(f"{place}.id", f"{resource_id!r} is the id of another resource")
    stated = {name: value for name, value in document.items() if fold(name) != "members"}
    try:
        attributes = normalise_resource(stated, directory.schema(kind))
        if directory.behaviour.account_ids and isinstance(document.get(ATLASSIAN_EXTERNAL), dict):
            attributes[ATLASSIAN_EXTERNAL] = document[ATLASSIAN_EXTERNAL]
        record = directory.prepare(kind, attributes, resource_id)
    except RequestRefusedError as error:
        raise SeedError(place, error.detail) from error
    _keep_times(record, document.get("meta"), place)
    directory.insert(record)
    return record


def _keep_times(record: Record, meta: object, place: str) -> None:
    if not isinstance(meta, dict):
        return
    for name in ("created", "lastModified"):
        value = meta.get(name)
        if not isinstance(value, str | None):
            raise SeedError(f"{place}.meta.{name}", "must be an RFC 3339 time")
    record.created = meta.get("created") or record.created
    record.modified = meta.get("lastModified") or record.created


def _add_members(directory: Directory, group: Record, stated: object, place: str) -> None:
    if stated is None:
        return
    if not isinstance(stated, list):
        raise SeedError(place, "must be a list of userNames or ids")
    members: dict[str, None] = {}
    for index, item in enumerate(stated):
        name = item.get("value") if isinstance(item, dict) else item
        member = directory.find_member(name) if isinstance(name, str) else None
        if member is None:
            raise SeedError(f"{place}[{index}]", f"{name!r} is no user or group, or more than one group")
        members[member.id] = None
    try:
        directory.link_all(group, members)
    except RequestRefusedError as error:
        raise SeedError(place, error.detail) from error

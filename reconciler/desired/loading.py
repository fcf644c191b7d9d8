"""Reads a workspace: YAML files -> :class:`reconciler.model.Desired`, or every problem that is in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from reconciler.attributes import fold
from reconciler.config import DirectoryConfig
from reconciler.desired.configuration import Configuration, read_configuration
from reconciler.desired.doubts import Doubts
from reconciler.desired.filter_checks import FilterChecks
from reconciler.desired.identity import check_resources
from reconciler.desired.memberships import MembershipCheck
from reconciler.desired.own_dialects import read_own_dialect, warn_of_unused, with_own_dialect
from reconciler.desired.phrases import what
from reconciler.desired.problems import Problems
from reconciler.desired.protected_names import warn_of_unlisted
from reconciler.desired.resources import ResourceReader, ResourceSource, as_text
from reconciler.desired.schema import SchemaCheck, SchemaChecks
from reconciler.desired.suggestions import Suggester
from reconciler.desired.workspace import (
    DIRECTORY_FILE,
    Digest,
    WorkspaceFile,
    find_files,
    git_commit,
    holds_workspaces,
    is_misnamed_dialect_file,
    is_misplaced_directory_file,
    read_file,
)
from reconciler.desired.yaml_builder import Texts
from reconciler.desired.yaml_reader import Document, read_yaml
from reconciler.diagnostics import Diagnostic, DiagnosticsError, has_errors, sort_by_place
from reconciler.model import Desired, DesiredGroup, DesiredResource, DesiredUser, Kind, Source
from reconciler.scim.dialects import DIALECT_SUFFIX, Dialect, is_dialect_file

_Resource = TypeVar("_Resource", bound=DesiredResource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A workspace that was read without error.

    Attributes:
        desired: what it states.
        warnings: what works and is probably not meant, sorted by place.
    """

    desired: Desired
    warnings: tuple[Diagnostic, ...] = ()


def load(workspace: Path) -> Loaded:
    """Read and check a workspace.

    Uses no network, no clock and no environment variables: ``${NAME}`` in the base URL stays as written.

    Args:
        workspace: the folder with ``directory.yaml``.

    Returns:
        What the files state, whole and checked.

    Raises:
        DiagnosticsError: something is wrong; it holds every problem in all files.
    """
    return _Loading(workspace).load()


def load_config(workspace: Path) -> DirectoryConfig:
    """Read and check ``directory.yaml`` alone: which directory it is, how to reach it, how careful to be with it.

    What needs no users and groups, such as applying a plan that was reviewed, does not fail where their files do. The
    dialect file that it names is read, too.

    Args:
        workspace: the folder with ``directory.yaml``.

    Returns:
        What it says. Whether the listed resources are inside its scope is not known.

    Raises:
        DiagnosticsError: something is wrong with it; it holds every problem in that file.
    """
    of_all_files, problems = Problems(), Problems()
    files = {file.name: file for file in find_files(workspace, of_all_files)}
    problems.found += _concerning(None, of_all_files) + _concerning(DIRECTORY_FILE, of_all_files)
    document = _document(files.get(DIRECTORY_FILE), problems)
    config: DirectoryConfig | None = None
    if document is not None:
        suggester = Suggester()
        checks = SchemaChecks(suggester)
        configuration = read_configuration(document, checks, problems)
        filters = FilterChecks(Doubts(), suggester, problems)
        filters.check_scope(configuration.scope, document, {Kind.USER: (), Kind.GROUP: ()})
        named = configuration.dialect or ""
        problems.found += _concerning(named, of_all_files)
        dialects: dict[str, Dialect | None] = {name: None for name in files if is_dialect_file(name)}
        if named in dialects:
            own = _document(files[named], problems)
            dialects[named] = read_own_dialect(own, checks, problems) if own is not None else None
        config = with_own_dialect(configuration.config, configuration.dialect, document, dialects, problems)
    if config is None or has_errors(problems.found):
        raise DiagnosticsError(problems.found)
    return config


def _concerning(file: str | None, problems: Problems) -> list[Diagnostic]:
    return [found for found in problems.found if (found.origin.file if found.origin is not None else None) == file]


def _document(file: WorkspaceFile | None, problems: Problems) -> Document | None:
    data = read_file(file, problems) if file is not None else None
    return read_yaml(data, file.name, problems) if file is not None and data is not None else None


class _Loading:
    """One reading of one workspace."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._problems = Problems()
        self._suggester = Suggester()
        self._checks = SchemaChecks(self._suggester)
        self._reader = ResourceReader(self._problems)
        self._users: list[DesiredUser] = []
        self._groups: list[DesiredGroup] = []
        self._doubts = Doubts()
        # Also what is not usable otherwise, so that a mistake in a user is not followed by one for each membership.
        self._names: dict[Kind, dict[str, str]] = {Kind.USER: {}, Kind.GROUP: {}}
        self._dialects: dict[str, Dialect | None] = {}
        self._everything_read = True

    def load(self) -> Loaded:
        files = find_files(self._workspace, self._problems)
        if holds_workspaces(files):
            raise DiagnosticsError(self._problems.found)
        texts, digest = Texts(), Digest()
        configuration: Configuration | None = None
        directory: Document | None = None
        for file in files:
            data = read_file(file, self._problems)
            document: Document | None = None
            if data is not None:
                digest.add(file.name, data)
                document = read_yaml(data, file.name, self._problems, texts)
            if is_dialect_file(file.name):
                self._dialects[file.name] = (
                    read_own_dialect(document, self._checks, self._problems) if document is not None else None
                )
            elif document is None:
                self._everything_read = False
            elif file.name == DIRECTORY_FILE:
                directory = document
                configuration = read_configuration(document, self._checks, self._problems)
            elif document.value is not None:
                self._read_resources(document)
        self._check_meaning(configuration, directory)
        config = self._config(configuration, directory)
        if config is None or has_errors(self._problems.found):
            raise DiagnosticsError(self._problems.found)
        desired = Desired(
            config=config,
            users=tuple(self._users),
            groups=tuple(self._groups),
            digest=str(digest),
            commit=git_commit(self._workspace),
            files=len(files),
        )
        return Loaded(desired=desired, warnings=sort_by_place(self._problems.found))

    def _config(self, configuration: Configuration | None, directory: Document | None) -> DirectoryConfig | None:
        if configuration is None or directory is None:
            return None
        if configuration.dialect is not None:
            warn_of_unused(self._dialects, configuration.dialect, self._problems)
        return with_own_dialect(configuration.config, configuration.dialect, directory, self._dialects, self._problems)

    def _read_resources(self, document: Document) -> None:
        value = document.value
        if is_misnamed_dialect_file(document.file):
            self._problems.error(
                "file-name",
                f"the name of a dialect's file ends in {DIALECT_SUFFIX}",
                document.locate(),
                hint="rename it",
            )
            return
        if is_misplaced_directory_file(document.file, value):
            self._everything_read = False
            message = f"only the file {DIRECTORY_FILE} at the top of the workspace can say this"
            self._problems.error(
                "workspace", message, document.locate(), hint=f"rename, move or remove {document.file}"
            )
            return
        if not isinstance(value, dict):
            self._everything_read = False
            if not document.is_unread(value):
                message = f"the file holds {what(value)}; expected a mapping with users: or groups:"
                self._problems.error("wrong-type", message, document.locate())
            return
        if not self._checks.frame.accepts(value):
            self._checks.frame.explain(value, document, self._problems)
            self._everything_read = False
        self._read_list(document, Kind.USER, self._checks.user, self._reader.user, self._users)
        self._read_list(document, Kind.GROUP, self._checks.group, self._reader.group, self._groups)

    def _read_list(
        self,
        document: Document,
        kind: Kind,
        check: SchemaCheck,
        read: Callable[[dict[str, Any], Source], _Resource],
        into: list[_Resource],
    ) -> None:
        key = f"{kind.lower()}s"
        items = document.value.get(key)
        if not isinstance(items, list):
            return
        names, naming_attribute = self._names[kind], kind.naming_attribute
        for item, offset in zip(items, document.offsets(key), strict=True):
            source = ResourceSource(document, offset, item)
            if check.accepts(item):
                resource = read(item, source)
                name = resource.name
            else:
                part = check.explain(item, source, self._problems)
                if part is None:
                    continue
                resource = read(part.value, part.source(source))
                self._doubts.add(resource, part.unread)
                name = resource.attributes.get(naming_attribute) or as_text(part.misspelt.get(naming_attribute))
            into.append(resource)
            if isinstance(name, str):
                names.setdefault(fold(name), name)

    def _check_meaning(self, configuration: Configuration | None, directory: Document | None) -> None:
        check_resources(Kind.USER, self._users, self._problems, self._doubts)
        check_resources(Kind.GROUP, self._groups, self._problems, self._doubts)
        MembershipCheck(
            names=self._names,
            members=iter(self._reader.members),
            # A member may be listed in a file that could not be read, or be allowed by a directory.yaml that could not.
            may_be_unlisted=not self._everything_read or configuration is None or configuration.members_may_be_unlisted,
            doubts=self._doubts,
            suggester=self._suggester,
            problems=self._problems,
        ).check(self._groups)
        filters = FilterChecks(self._doubts, self._suggester, self._problems)
        filters.check_matches(self._groups)
        if configuration is not None and directory is not None:
            resources: dict[Kind, Sequence[DesiredResource]] = {Kind.USER: self._users, Kind.GROUP: self._groups}
            filters.check_scope(configuration.scope, directory, resources)
            if configuration.config is not None and self._everything_read:
                protection = configuration.config.policy.protection
                warn_of_unlisted(protection, self._names, directory, self._suggester, self._problems)

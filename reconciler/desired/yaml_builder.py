"""Builds plain values and their places from the events of libyaml, in one pass."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple, NoReturn

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from reconciler.desired import yaml_limits
from reconciler.desired.plain_scalars import MISSPELT, resolve
from reconciler.desired.positions import Places, entries
from reconciler.desired.problems import Problems
from reconciler.desired.unread import Unread
from reconciler.desired.yaml_anchors import Anchored, Anchors
from reconciler.desired.yaml_merge import MERGE_KEY, merge
from reconciler.model import Origin

_EVENTS_BETWEEN_CHECKS: Final = 100_000
_UNSEEN: Final = object()


class Texts:
    """One object for equal texts over all files of a workspace, and the meaning of unquoted ones.

    Most values of a directory repeat (``department: Platform``). Those that do not would fill the memory, so what is
    known is forgotten now and then.
    """

    _LIMIT: Final = 1 << 16

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.quoted: dict[str, str] = {}
        self.plain: dict[str, Any] = {}

    def forget_when_full(self) -> None:
        """Forget all where there is too much of it."""
        for known in (self.keys, self.quoted, self.plain):
            if len(known) > self._LIMIT:
                known.clear()


class StopReadingError(Exception):
    """The rest of the file is not read; the problem is recorded already."""


class _Frame(NamedTuple):
    """What to go back to when a container is complete, and what is needed then."""

    parent: dict[str, Any] | list[Any]
    parent_offsets: array[int] | None
    start: int
    anchor: str | None


class Builder:
    """Builds the values of one file.

    Attributes:
        documents: the value of the document, or nothing where the file has none.
        places: where its parts were written.
        unread: what of it could not be read.
        item_offsets: where the places of the items begin, for the lists directly below the top mapping.
    """

    def __init__(self, file: str, texts: Texts, problems: Problems, max_nodes: int) -> None:
        self._max_nodes = max_nodes
        self.documents: list[Any] = []
        self.places = Places()
        self.unread = Unread()
        self.item_offsets: dict[str, array[int]] = {}
        self._file = file
        self._texts = texts
        self._problems = problems
        self._container: dict[str, Any] | list[Any] = self.documents
        self._key: str | None = None
        self._offsets: array[int] | None = None
        self._stack: list[_Frame] = []
        self._anchors = Anchors()
        self._repeated: dict[int, list[tuple[str, Origin]]] = {}
        """Keys that are in an open mapping already, by the beginning of its places."""
        self._alias_nodes = 0
        self._seen_document = False
        self._events: Iterator[Event] = iter(())

    def build(self, events: Iterator[Event]) -> None:
        """Consume all events.

        Raises:
            StopReadingError: a limit was passed, or there is a second document.
            yaml.YAMLError: the parser behind ``events`` cannot go on.
        """
        self._events = events
        try:
            self._consume(events)
        finally:
            # Mappings that were still open when the reading stopped.
            for frame, container in zip(self._stack, self._open_containers(), strict=True):
                if isinstance(container, dict):
                    self._report_repeated(container, frame.start)

    def _open_containers(self) -> Iterator[dict[str, Any] | list[Any]]:
        """Yield the containers that are not complete, outermost first."""
        yield from (frame.parent for frame in self._stack[1:])
        if self._stack:
            yield self._container

    def _consume(self, events: Iterator[Event]) -> None:
        handlers: dict[type[Event], Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._open_mapping,
            MappingEndEvent: self._close_mapping,
            SequenceStartEvent: self._open_list,
            SequenceEndEvent: self._close,
            AliasEvent: self._alias,
            DocumentStartEvent: self._open_document,
            DocumentEndEvent: self._ignore,
            StreamStartEvent: self._ignore,
            StreamEndEvent: self._ignore,
        }
        ended = False
        while not ended:
            ended = True
            for event in islice(events, _EVENTS_BETWEEN_CHECKS):
                ended = False
                handlers[type(event)](event)
            self._texts.forget_when_full()
            if len(self.places) > self._max_nodes:
                origin = Origin(self._file, *self.places.at(-1))
                self._stop(origin, f"the file holds more than {self._max_nodes:,} values", "split it")

    def _ignore(self, event: Event) -> None:
        pass

    def _open_document(self, event: DocumentStartEvent) -> None:
        if self._seen_document:
            self._problems.error(
                "yaml-documents", "a second document begins here", self._origin(event), hint="a file holds one document"
            )
            raise StopReadingError
        self._seen_document = True

    # Scalars. Most events are one, so nothing is done twice and what is rare comes last.

    def _scalar(self, event: ScalarEvent) -> None:
        container = self._container
        if isinstance(container, list):
            if self._offsets is not None:
                self._offsets.append(len(self.places))
            mark: Any = event.start_mark
            self.places.add(mark.line, mark.column)
            container.append(self._value(event))
        elif self._key is None:
            self._begin_entry(event, container)
        else:
            container[self._key] = self._value(event)
            self._key = None

    def _begin_entry(self, event: ScalarEvent, container: dict[str, Any]) -> None:
        key = event.value
        if key in container:
            self._duplicate(event)
            return
        mark: Any = event.start_mark
        self.places.add(mark.line, mark.column)
        self._key = key = self._texts.keys.setdefault(key, key)
        if event.tag is not None or event.anchor is not None:
            self._properties(event, key)

    def _duplicate(self, event: ScalarEvent) -> None:
        # Reported together, when the mapping is complete: looking up where each was first takes quadratic time.
        self._repeated.setdefault(self._stack[-1].start, []).append((event.value, self._origin(event)))
        self._skip(next(self._events))

    def _report_repeated(self, mapping: dict[str, Any], start: int) -> None:
        repeated = self._repeated.pop(start, ())
        first = {entry.key: entry.start for entry in entries(mapping, start)} if repeated else {}
        for key, origin in repeated:
            line, column = self.places.at(first[key])
            message = f"the key {key!r} is here twice; it was first written at {line}:{column}"
            self._problems.error("yaml-duplicate-key", message, origin, text=key)

    def _value(self, event: ScalarEvent) -> Any:
        text = event.value
        if event.style:
            value: Any = self._texts.quoted.setdefault(text, text)
        else:
            value = self._texts.plain.get(text, _UNSEEN)
            if value is _UNSEEN:
                value = self._plain(event)
        if event.tag is not None or event.anchor is not None:
            self._properties(event, value)
            if event.tag is not None:
                self._mark_unread()
        return value

    def _mark_unread(self) -> None:
        """Note that the present scalar is not what was written. Its place, or that of its key, is the last one."""
        self.unread.add_value(*(self.places.at(-1) if self.places else (1, 1)))

    def _plain(self, event: ScalarEvent) -> Any:
        text = event.value
        meant = MISSPELT.get(text)
        if meant is not None:
            self._problems.error(
                "yaml-ambiguous",
                f"{text} could be a value or a text",
                self._origin(event),
                hint=f'write {meant}, or "{text}" in quotes for the text',
                text=text,
            )
            self._mark_unread()
            return resolve(meant)
        value = resolve(text)
        self._texts.plain[text] = value
        return value

    def _properties(self, event: ScalarEvent, value: Any) -> None:
        if event.tag is not None:
            self._refuse_tag(event, event.tag)
        if event.anchor is not None:
            self._anchors.add_scalar(event.anchor, value)

    # Containers.

    def _open_mapping(self, event: MappingStartEvent) -> None:
        self._open(event, {})

    def _open_list(self, event: SequenceStartEvent) -> None:
        self._open(event, [])

    def _open(self, event: CollectionStartEvent, value: dict[str, Any] | list[Any]) -> None:
        container, stack, start = self._container, self._stack, len(self.places)
        offsets = None
        if isinstance(container, list):
            if self._offsets is not None:
                self._offsets.append(start)
            container.append(value)
        elif self._key is None:
            self._refuse_key(event)
            return
        else:
            container[self._key] = value
            if len(stack) == 1 and isinstance(value, list):
                offsets = self.item_offsets[self._key] = array("Q")
            self._key = None
        mark: Any = event.start_mark
        self.places.add(mark.line, mark.column)
        if event.tag is not None:
            self._refuse_tag(event, event.tag)
        self._check_depth(event, len(stack) + 1)
        stack.append(_Frame(container, self._offsets, start, event.anchor))
        self._container, self._offsets = value, offsets

    def _close_mapping(self, event: MappingEndEvent) -> None:
        container = self._container
        if isinstance(container, dict):
            if self._repeated:
                self._report_repeated(container, self._stack[-1].start)
            if MERGE_KEY in container:
                self._merge(container, self._stack[-1].start)
        self._close(event)

    def _close(self, event: CollectionEndEvent) -> None:
        value = self._container
        self._container, self._offsets, start, anchor = self._stack.pop()
        if anchor is not None:
            self._count_alias_nodes(event, len(self.places) - start)
            self._anchors.add_container(anchor, value, self.places.packed[start:])

    # Anchors, aliases and merge keys.

    def _alias(self, event: AliasEvent) -> None:
        container = self._container
        if isinstance(container, dict) and self._key is None:
            self._refuse_key(event)
            return
        anchored = self._resolve_alias(event)
        value, places, height = anchored or (None, array("Q"), 0)
        self._check_depth(event, len(self._stack) + height)
        self._count_alias_nodes(event, len(places))
        if isinstance(container, list):
            if self._offsets is not None:
                self._offsets.append(len(self.places))
            if not places:
                mark: Any = event.start_mark
                self.places.add(mark.line, mark.column)
            container.append(value)
        elif self._key is not None:
            container[self._key] = value
            self._key = None
        if anchored is None:
            self._mark_unread()
        self.places.packed.extend(places)

    def _resolve_alias(self, event: AliasEvent) -> Anchored | None:
        """Return what an alias repeats, or ``None`` where that is told to be nothing usable."""
        name = str(event.anchor)
        if any(frame.anchor == name for frame in self._stack):
            self._problems.error("yaml-alias", f"the alias *{name} is inside what it names", self._origin(event))
            return None
        anchored = self._anchors[name]
        if anchored is None and not self._anchors.is_lost(name):
            self._problems.error(
                "yaml-alias",
                f"the alias *{name} names nothing",
                self._origin(event),
                hint=f"an anchor &{name} must come before it in the same file; quote text that begins with '*'",
            )
        return anchored

    def _merge(self, mapping: dict[str, Any], start: int) -> None:
        if len(self._stack) == 1:
            self.item_offsets.clear()  # The lists below the top mapping move.
        for line, column in merge(mapping, start, self.places):
            origin = Origin(self._file, line, column)
            self.unread.add_entries(mapping)
            if not self.unread.is_value(None, origin):
                self._problems.error("yaml-merge", "'<<' takes a mapping or a list of mappings", origin)

    # What is refused.

    def _refuse_tag(self, event: NodeEvent, tag: str) -> None:
        self._problems.error(
            "yaml-tag",
            "tags are not allowed",
            self._origin(event),
            hint="remove it; quote a value that shall be text",
            text=tag,
        )

    def _refuse_key(self, event: NodeEvent) -> None:
        self._problems.error(
            "yaml-key",
            "a key must be a plain text",
            self._origin(event),
            hint="quote a key that begins with '[', '{', '*' or '?'",
        )
        self._skip(event)
        self._skip(next(self._events))

    def _skip(self, event: Event) -> None:
        """Read past the node that begins with ``event``."""
        depth = 0
        while True:
            if isinstance(event, CollectionStartEvent):
                depth += 1
                self._check_depth(event, len(self._stack) + depth)
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
            if isinstance(event, NodeEvent) and event.anchor is not None and not isinstance(event, AliasEvent):
                self._anchors.lose(event.anchor)
            if depth == 0:
                return
            event = next(self._events)

    def _check_depth(self, event: Event, depth: int) -> None:
        if depth > yaml_limits.MAX_DEPTH:
            self._stop(self._origin(event), f"more than {yaml_limits.MAX_DEPTH} levels of nesting")

    def _count_alias_nodes(self, event: Event, count: int) -> None:
        self._alias_nodes += count
        if self._alias_nodes > yaml_limits.MAX_ALIAS_NODES:
            limit = f"{yaml_limits.MAX_ALIAS_NODES:,}"
            self._stop(self._origin(event), f"anchors and aliases repeat more than {limit} values", "write them out")

    def _stop(self, origin: Origin, message: str, hint: str | None = None) -> NoReturn:
        self._problems.error("yaml-limit", message, origin, hint=hint)
        raise StopReadingError

    def _origin(self, event: Event) -> Origin:
        mark: Any = event.start_mark
        return Origin(self._file, mark.line + 1, mark.column + 1)

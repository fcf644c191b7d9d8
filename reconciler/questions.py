"""Questions after users and groups, by what identifies them: the words between who plans and who asks. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from reconciler.attributes import fold
from reconciler.model import DesiredResource, Kind, LiveResource

ID: Final = "id"
EXTERNAL_ID: Final = "externalId"


class Question(NamedTuple):
    """Which resources of a kind have a value of an attribute: ``id``, ``externalId`` or the naming one."""

    kind: Kind
    attribute: str
    value: str

    @property
    def key(self) -> tuple[Kind, str, str]:
        """What equal questions have in common: names are the same in any case."""
        named = self.attribute == self.kind.naming_attribute
        return self.kind, self.attribute, fold(self.value) if named else self.value


def questions_about(kind: Kind, resource: DesiredResource) -> Iterator[Question]:
    """Yield everything that a listed resource may be found by."""
    if resource.id is not None:
        yield Question(kind, ID, resource.id)
    if resource.external_id is not None:
        yield Question(kind, EXTERNAL_ID, resource.external_id)
    for name in (resource.name, *resource.lifecycle.previously):
        yield Question(kind, kind.naming_attribute, name)


def answered_by(resource: LiveResource) -> Iterator[Question]:
    """Yield the questions that a live resource is an answer to."""
    yield Question(resource.kind, ID, resource.id)
    if resource.external_id is not None:
        yield Question(resource.kind, EXTERNAL_ID, resource.external_id)
    yield Question(resource.kind, resource.kind.naming_attribute, resource.name)


class Answers:
    """Answers questions out of resources that are all known."""

    def __init__(self, resources: Iterable[LiveResource]) -> None:
        self._by_identity = defaultdict[tuple[Kind, str, str], list[LiveResource]](list)
        for resource in resources:
            for question in answered_by(resource):
                self._by_identity[question.key].append(resource)

    def to(self, question: Question) -> Sequence[LiveResource]:
        """Return the resources that are an answer to a question."""
        return self._by_identity.get(question.key, ())

"""Desired state: the YAML files of a workspace -> :class:`reconciler.model.Desired`.

A file is read once into plain values with their places (:mod:`~reconciler.desired.yaml_reader`), checked against the
published JSON Schemas (:mod:`~reconciler.desired.schema`), brought into SCIM's form
(:mod:`~reconciler.desired.resources`) and checked for meaning (:mod:`~reconciler.desired.identity`,
:mod:`~reconciler.desired.memberships`, :mod:`~reconciler.desired.filter_checks`).

Every problem is found in one run: what fails its schema goes on without the parts that are refused
(:mod:`~reconciler.desired.sound_parts`). And each is told once: what follows only from a problem that is told already
goes unsaid (:mod:`~reconciler.desired.unread`, :mod:`~reconciler.desired.doubts`).
"""

from reconciler.desired.loading import Loaded, load, load_config
from reconciler.desired.schema import SchemaName, json_schema
from reconciler.desired.workspace import files_digest

__all__ = ["Loaded", "SchemaName", "files_digest", "json_schema", "load", "load_config"]

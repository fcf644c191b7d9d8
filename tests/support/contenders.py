"""Real processes of the real command that contend for one directory, each known to it by a token of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from command_line import environment
from fork_server import Commit, Process, forks
from reconciler import load_config
from reconciler.config import DirectoryConfig
from reconciler.store import RunRecord, Store
from witness import Witness

DIRECTORY: Mapping[str, Any] = {
    "directory": {
        "name": "acme",
        "dialect": "generic",
        "base_url": "${SCIM_BASE_URL}",
        "token": {"env": "SCIM_TOKEN"},
    },
    "unlisted": {"users": "delete", "groups": "delete"},
    "guards": {
        "users": {kind: {"count": 1000} for kind in ("create", "update", "deactivate", "delete")},
        "groups": {kind: {"count": 1000} for kind in ("create", "delete")},
        "members": {"remove": {"count": 1000}},
        "memberships": {"remove": {"count": 1000}},
        "identity": {"change": {"count": 1000}},
    },
}


@dataclass
class Contest:
    """One workspace with its store, one directory, and processes that want to write to it.

    Attributes:
        folder: the workspace, and the output of each process.
        witness: the directory.
        store: where the store is: a URL, or ``None`` for the file of the workspace.
        processes: those that were started.
    """

    folder: Path
    witness: Witness
    store: str | None = None
    processes: list[Process] = field(default_factory=list)

    def state(
        self,
        resources: Mapping[str, Any] | None = None,
        *,
        lease: str = "60s",
        directory: Mapping[str, Any] | None = None,
        **apply: Any,
    ) -> None:
        """State this and nothing else; or, without resources, how carefully what is stated already is applied."""
        known: dict[str, Any] = {**DIRECTORY, "apply": {"lock_lease": lease, **apply}}
        known["directory"] = {**known["directory"], **(directory or {})}
        if self.store is not None:
            known["store"] = self.store
        # JSON is YAML, and takes no time to write.
        (self.folder / "directory.yaml").write_text(json.dumps(known), encoding="utf-8")
        if resources is not None:
            (self.folder / "resources.yaml").write_text(json.dumps(resources), encoding="utf-8")

    def start(self, *arguments: str, dies_at: Commit | None = None) -> Process:
        """Start the command about the workspace."""
        number = len(self.processes) + 1
        process = forks().start(
            [*arguments, "-C", str(self.folder)],
            self._environ(f"process-{number}"),
            self.folder / f"process-{number}.txt",
            dies_at=dies_at,
        )
        self.processes.append(process)
        return process

    def process(self, writer: str) -> Process:
        """Return the process that the directory knows by a token."""
        return self.processes[int(writer.rpartition("-")[2]) - 1]

    def kill(self, writer: str) -> None:
        """Kill the process that the directory knows by a token, wherever it is."""
        self.process(writer).kill()

    def call(self, *arguments: str) -> Process:
        """Run the command to its end."""
        process = self.start(*arguments)
        process.wait()
        return process

    def open(self) -> Store | None:
        """Open the store, where there is one."""
        return Store.open_existing(self.config, self.folder, self._environ("nobody"))

    def runs(self) -> list[RunRecord]:
        """Return the runs in the store, the oldest first."""
        store = self.open()
        if store is None:
            return []
        with store:
            return store.runs(limit=1000)[::-1]

    @property
    def config(self) -> DirectoryConfig:
        """What ``directory.yaml`` says."""
        return load_config(self.folder)

    def _environ(self, token: str) -> dict[str, str]:
        return environment(SCIM_BASE_URL=self.witness.base_url, SCIM_TOKEN=token)

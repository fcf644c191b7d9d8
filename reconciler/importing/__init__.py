"""Nobody starts empty: what a directory holds now, as a workspace of YAML files whose plan is empty."""

from reconciler.importing.directory_file import DirectoryTemplate
from reconciler.importing.layout import Split
from reconciler.importing.left_out import LeftOut
from reconciler.importing.workspace import FilesInTheWayError, ImportReport, WorkspaceWriteError, write_workspace

__all__ = [
    "DirectoryTemplate",
    "FilesInTheWayError",
    "ImportReport",
    "LeftOut",
    "Split",
    "WorkspaceWriteError",
    "write_workspace",
]

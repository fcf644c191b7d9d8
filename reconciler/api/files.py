"""From the files of a workspace to what they state."""

from __future__ import annotations

from pathlib import Path

from reconciler import desired as desired_state
from reconciler.config import DirectoryConfig
from reconciler.desired import Loaded


def load(workspace: Path | str) -> Loaded:
    """Read and check the files of a workspace.

    Args:
        workspace: the folder with ``directory.yaml``.

    Returns:
        What the files state, whole and checked, and warnings.

    Raises:
        DiagnosticsError: something is wrong; it holds every problem in all files.
    """
    return desired_state.load(Path(workspace))


def load_config(workspace: Path | str) -> DirectoryConfig:
    """Read and check ``directory.yaml`` alone: all that :func:`apply` needs for a plan that was saved.

    Args:
        workspace: the folder with ``directory.yaml``.

    Raises:
        DiagnosticsError: something is wrong with it; it holds every problem in that file.
    """
    return desired_state.load_config(Path(workspace))

"""The version, as the installed package knows it."""

from importlib.metadata import version

__version__ = version("reconciler")
TOOL = f"reconciler {__version__}"

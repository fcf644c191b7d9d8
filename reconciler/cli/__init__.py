"""The command line: parse, call, render, exit. The only place that prints, prompts or exits."""

from reconciler.cli.entry import main

__all__ = ["main"]

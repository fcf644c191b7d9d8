"""What the site has beside the pages in this folder: a page per command, and the files in ``examples/``.

MkDocs calls the functions: https://www.mkdocs.org/dev-guide/plugins/#events.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mkdocs.structure.files import File, Files

# MkDocs runs this file by its path, and so its neighbour is not found by itself.
sys.path.append(str(Path(__file__).parent))
from command_pages import FOLDER, command_pages

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[2]
_OUTSIDE: Final = re.compile(r"\[(?P<text>[^\]\n]+)\]\((?P<path>(?:\.\./)+[^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and the files."""
    for path, text in command_pages().items():
        files.append(File.generated(config, path, content=text))
    for file in sorted((ROOT / "examples").rglob("*")):
        if file.is_file():
            path = file.relative_to(ROOT).as_posix()
            # A page of the site is what is in docs/; an example is a file to be taken.
            name = f"{path}.txt" if path.endswith(".md") else path
            files.append(File.generated(config, name, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  MkDocs names them
    """Make links to files outside the documentation right: to their copy on the site, or no links."""

    def resolved(match: re.Match[str]) -> str:
        path, _, anchor = match["path"].partition("#")
        folder = posixpath.dirname(page.file.src_uri)
        inside = posixpath.normpath(posixpath.join(folder, path))
        if not inside.startswith("../"):
            return match[0]
        copy = inside.removeprefix("../")
        if files.get_file_from_path(copy) is not None:
            return f"[{match['text']}]({posixpath.relpath(copy, folder or '.')}{'#' if anchor else ''}{anchor})"
        return match["text"]

    return _OUTSIDE.sub(resolved, markdown)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of the commands into the navigation, behind the one that lists them."""
    pages = [path for path in command_pages() if path.startswith(f"{FOLDER}/")]
    for section in config.nav or []:
        for entries in section.values():
            for entry in entries:
                if isinstance(entry, dict) and "Commands" in entry:
                    entry["Commands"].extend(page for page in pages if page not in entry["Commands"])
    return config

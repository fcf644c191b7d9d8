"""The files of the report: styles, scripts, vendored libraries, and the hashes by which the page lets them run."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).parent
_OWN = ("data.js", "search.js", "details.js", "steps.js", "access.js", "page.js")
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*\n?", re.MULTILINE)


class Vendored(msgspec.Struct, frozen=True, kw_only=True):
    """A file of somebody else's, kept as it was published.

    Attributes:
        file: its name in ``vendor``.
        name: of the library.
        version: of the library.
        licence: its SPDX identifier.
        copyright: who holds it.
        licence_file: the name of the licence's text in ``vendor``.
        source: the package and the path in it.
        sha256: of the file, in hexadecimal.
    """

    file: str
    name: str
    version: str
    licence: str
    copyright: str
    licence_file: str
    source: str
    sha256: str

    @property
    def notice(self) -> str:
        """The comment that stands before its code in a report."""
        return f"/*! {self.name} {self.version}, {self.copyright}, {self.licence} */\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """What is inlined into a report.

    Attributes:
        style: the style sheet.
        libraries: the vendored libraries, unchanged but for the addresses of their source maps, which would be asked
            for by a browser's developer tools.
        script: the report's own script.
    """

    style: str
    libraries: str
    script: str

    @property
    def policy(self) -> str:
        """The Content Security Policy (CSP Level 3): nothing but these very files may run or paint.

        No request may leave the page, and no text can become markup: the one way that is left open for that, assigning
        it to ``innerHTML`` and its like, is closed by Trusted Types where the browser knows them.
        """
        scripts = " ".join(_source(text) for text in (self.libraries, self.script))
        directives = (
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {_source(self.style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
        return "; ".join(directives)


def assets() -> Assets:
    """Return the files, read and put together."""
    own = ['"use strict";\n', *(_read("script", name) for name in _OWN)]
    return Assets(
        style=_read("style", "report.css"),
        libraries="\n".join(one.notice + _SOURCE_MAP.sub("", _read("vendor", one.file)) for one in vendored()),
        script="\n".join(own),
    )


def vendored() -> tuple[Vendored, ...]:
    """Return what is known of the files in ``vendor``, in the order in which they have to run."""
    return msgspec.json.decode(_read("vendor", "vendored.json"), type=tuple[Vendored, ...])


def _read(*path: str) -> str:
    return _FOLDER.joinpath(*path).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Return how a policy names an inline script or style: by the SHA-256 of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

"""What the manual of a command says beyond its help text and its options: exit codes, files, variables, where to go on.

``--help`` shows some of it, and the reference pages of the documentation all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    """The manual of one command.

    Attributes:
        page: the page in ``docs/`` that tells what the command is for, perhaps with a heading behind ``#``.
        exits: what exit codes mean here, those of :data:`USUAL_EXITS` only where they mean something special.
        files: which of :data:`FILES` it reads or writes.
        variables: which of :data:`VARIABLES` it looks at, beside those of every command.
        see: the commands that are used before or after it.
    """

    page: str
    exits: Mapping[int, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    see: tuple[str, ...] = ()


USUAL_EXITS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "Done.",
        1: "An error: bad input, a directory or store that cannot be reached, refused credentials.",
        64: "Wrong usage.",
        130: "Stopped by the user.",
    }
)
"""What exit codes mean for every command."""

FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "directory.yaml": "Which directory it is, how to reach it, and what may happen to it.",
        "*.yaml": "Users and groups, in any folder of the workspace.",
        "*.dialect.yaml": "What the directory can do, where directory.yaml names such a file.",
        ".reconciler/store.db": "Runs, ledger, audit and lock, unless `store` in directory.yaml names a database.",
        ".reconciler/pending.plan": "What `reconcile` left for a person.",
    }
)
"""Files of a workspace, and what they hold."""

VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "${NAME} in directory.yaml": "Any variable that `base_url` or `store` names.",
        "token.env in directory.yaml": "The variable with the token of the directory; `init` writes SCIM_TOKEN.",
        "env:NAME": "The variable with a key, where --sign or --verify-key names one.",
        "HTTPS_PROXY, NO_PROXY": "The way to the network outside; a loopback address is never behind a proxy.",
        "SSL_CERT_FILE, SSL_CERT_DIR": "Certificates to trust in place of those that come with the tool.",
        "GITHUB_TOKEN, GITLAB_TOKEN": "The token for the code host, unless --token-env or --token-file says otherwise.",
        "GITHUB_*, CI_*": "Where the job runs: repository, pull request, API and log.",
        "GITHUB_STEP_SUMMARY": "The file that becomes the page of the workflow run.",
        "RECONCILER_PAGER, PAGER": "What shows long results page by page on a terminal.",
        "_RECONCILER_COMPLETE": "Set by the shell alone, while it completes a command line.",
    }
)
"""Environment variables that some commands look at, and what for."""

_WORKSPACE: Final = ("directory.yaml", "*.yaml", "*.dialect.yaml")
_STORE: Final = ".reconciler/store.db"
_PAGER: Final = "RECONCILER_PAGER, PAGER"
_ENDPOINT: Final = (
    "${NAME} in directory.yaml",
    "token.env in directory.yaml",
    "HTTPS_PROXY, NO_PROXY",
    "SSL_CERT_FILE, SSL_CERT_DIR",
)
_HOST: Final = ("GITHUB_TOKEN, GITLAB_TOKEN", "GITHUB_*, CI_*")
_NOT_INTACT: Final = "The file is not the plan that was saved."
_AS_APPLIED: Final = MappingProxyType(
    {
        0: "Everything is applied, or was applied before.",
        3: "A guard refuses the plan.",
        4: "The plan is not intact, too old or for another directory, or the directory has changed under it.",
        5: "Applied in part; the ledger tells what.",
        130: "Stopped, or not approved.",
    }
)

MANUALS: Final[Mapping[str, Manual]] = MappingProxyType(
    {
        "init": Manual(page="start.md", files=_WORKSPACE[:2], see=("import", "validate", "doctor")),
        "import": Manual(page="commands.md#import", files=_WORKSPACE, variables=_ENDPOINT, see=("init", "plan")),
        "validate": Manual(
            page="files.md",
            exits={1: "The files are wrong."},
            files=_WORKSPACE,
            see=("schema", "plan", "ci annotations"),
        ),
        "plan": Manual(
            page="reviewing.md",
            exits={
                0: "The plan is made; with --detailed-exitcode, nothing would change.",
                2: "There are changes, and --detailed-exitcode was given.",
                3: "A guard refuses the plan.",
                4: "The plan of --compare is not intact.",
            },
            files=(*_WORKSPACE, _STORE),
            variables=(*_ENDPOINT, "env:NAME", _PAGER),
            see=("validate", "show", "apply", "drift"),
        ),
        "show": Manual(
            page="reviewing.md",
            exits={3: "A guard refuses the plan.", 4: f"{_NOT_INTACT[:-1]}, or not signed with the key."},
            variables=("env:NAME", _PAGER),
            see=("plan", "apply", "ci comment"),
        ),
        "apply": Manual(
            page="applying.md",
            exits=_AS_APPLIED,
            files=(*_WORKSPACE, _STORE),
            variables=(*_ENDPOINT, "env:NAME"),
            see=("plan", "show", "undo", "runs show"),
        ),
        "reconcile": Manual(
            page="nightly.md",
            exits={
                0: "Everything is as the files state it.",
                2: "Something waits for a person.",
                3: "A guard refused; nothing was written.",
                4: "Somebody else changed what was approved in the meantime.",
                5: "What was approved was applied in part.",
            },
            files=(*_WORKSPACE, _STORE, ".reconciler/pending.plan"),
            variables=_ENDPOINT,
            see=("plan", "apply", "drift", "ci issue"),
        ),
        "drift": Manual(
            page="drift.md",
            exits={2: "The directory has changed, and --detailed-exitcode was given."},
            files=(*_WORKSPACE, _STORE),
            variables=(*_ENDPOINT, _PAGER),
            see=("plan", "reconcile", "ci issue"),
        ),
        "undo": Manual(
            page="undo.md",
            exits=_AS_APPLIED,
            files=(*_WORKSPACE, _STORE),
            variables=_ENDPOINT,
            see=("runs", "runs show", "apply"),
        ),
        "runs": Manual(page="store.md", files=("directory.yaml", _STORE), see=("runs show", "audit query")),
        "runs show": Manual(
            page="store.md", files=("directory.yaml", _STORE), variables=(_PAGER,), see=("runs", "undo", "apply")
        ),
        "ci": Manual(page="ci.md", see=("plan", "show", "reconcile")),
        "ci comment": Manual(
            page="ci.md#ci-comment-file", exits={4: _NOT_INTACT}, variables=_HOST, see=("plan", "ci annotations")
        ),
        "ci annotations": Manual(page="ci.md", exits={4: _NOT_INTACT}, variables=_HOST[1:], see=("plan", "validate")),
        "ci issue": Manual(page="ci.md", exits={4: _NOT_INTACT}, variables=_HOST, see=("drift", "reconcile")),
        "ci summary": Manual(
            page="ci.md",
            exits={4: _NOT_INTACT},
            variables=("GITHUB_STEP_SUMMARY", *_HOST[1:]),
            see=("plan", "ci comment"),
        ),
        "keygen": Manual(page="saved-plans.md", see=("plan", "show", "apply")),
        "audit": Manual(page="audit.md", see=("audit verify", "audit query", "audit export")),
        "audit verify": Manual(
            page="audit.md",
            exits={1: "Something is wrong with the record, or it cannot be read."},
            files=("directory.yaml", _STORE),
            see=("audit query", "runs"),
        ),
        "audit query": Manual(
            page="audit.md", files=("directory.yaml", _STORE), variables=(_PAGER,), see=("audit export", "runs show")
        ),
        "audit export": Manual(page="audit.md", files=("directory.yaml", _STORE), see=("audit query", "audit verify")),
        "doctor": Manual(
            page="doctor.md",
            exits={1: "The directory cannot be worked with, or the probe left something behind."},
            files=("directory.yaml", "*.dialect.yaml"),
            variables=_ENDPOINT,
            see=("init", "sandbox"),
        ),
        "schema": Manual(page="json.md", see=("validate", "plan")),
        "completion": Manual(page="terminal.md#completion", variables=("_RECONCILER_COMPLETE",), see=("help",)),
        "help": Manual(page="commands.md", variables=(_PAGER,), see=("completion",)),
        "demo": Manual(page="start.md", see=("sandbox", "init")),
        "sandbox": Manual(page="faults.md", see=("demo", "doctor")),
    }
)
"""By the words that stand behind ``reconciler`` on a command line."""

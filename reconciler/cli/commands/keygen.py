"""``reconciler keygen``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.cli.command import Command
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.parameters import PathType
from reconciler.cli.terminal import Terminal
from reconciler.diagnostics import ReconcilerError
from reconciler.planning.signing import fingerprint, generate
from reconciler.rendering import json_document, safe


class KeyExistsError(ReconcilerError):
    """A key file that is there already: whatever it signed could not be verified any more. ``path`` is the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} exists, and keys are never overwritten. Choose another name with -o")


@click.command(
    "keygen",
    cls=Command,
    examples=(
        "reconciler keygen             # reconciler.key and reconciler.pub",
        "reconciler keygen -o keys/ci  # keys/ci.key and keys/ci.pub",
    ),
)
@click.option(
    "-o",
    "--output",
    type=PathType(),
    metavar="NAME",
    default="reconciler",
    help="Write NAME.key and NAME.pub; `reconciler`, if left out.",
)
@click.pass_obj
def command(terminal: Terminal, *, output: Path) -> ExitCode:
    """Make a pair of keys for signed plans.

    NAME.key is private and signs (`plan --sign`): whoever has it can make plans that are trusted. It belongs into the
    secrets of the pipeline that plans, and not into Git. NAME.pub is public and verifies (`apply --verify-key`):
    commit it. Files that exist are never overwritten.
    """
    secret, public = (_beside(output, suffix) for suffix in (".key", ".pub"))
    for path in (secret, public):
        if path.exists() or path.is_symlink():
            raise KeyExistsError(path)
    private_pem, public_pem = generate()
    _create(secret, private_pem, 0o600)
    try:
        _create(public, public_pem, 0o644)
    except BaseException:
        secret.unlink()
        raise
    if terminal.json:
        facts = {"private_key": str(secret), "public_key": str(public), "fingerprint": fingerprint(public_pem)}
        terminal.result(json_document(facts))
    else:
        terminal.result(_told(secret, public, public_pem))
    return ExitCode.DONE


def _beside(output: Path, suffix: str) -> Path:
    if output.name in ("", ".."):
        raise click.BadParameter(f"{str(output)!r} is a folder. Give the name of the keys in it.", param_hint="-o")
    return output.with_name(output.name.removesuffix(".key") + suffix)


def _create(path: Path, content: bytes, mode: int) -> None:
    """Write a file that does not exist. Nobody else can read a private one, not even for a moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def _told(secret: Path, public: Path, public_pem: bytes) -> str:
    return (
        f"{safe(str(secret))}  signs plans. Keep it secret: in the secrets of the pipeline, not in Git.\n"
        f"{safe(str(public))}  verifies them. No secret: commit it, or give it to the job that applies.\n"
        f"Fingerprint: {fingerprint(public_pem)}\n"
        "\n"
        "In the job that plans, with the content of the private key in the variable PLAN_KEY:\n"
        "  reconciler plan -o acme.plan --sign env:PLAN_KEY\n"
        "In the job that applies:\n"
        f"  reconciler apply acme.plan --verify-key {safe(str(public))}\n"
    )

"""The options that sign and verify saved plans."""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.cli.parameters import TextType

sign_option = click.option(
    "--sign",
    "signing_key",
    type=TextType(),
    metavar="KEY",
    help="Sign the saved plan with this private key: a file, or env:NAME for the variable that holds it.",
)
"""Gives ``signing_key``: the text, or ``None``."""

verify_key_option = click.option(
    "--verify-key",
    type=TextType(),
    metavar="KEY",
    help="Take only a plan that is signed with this key: the file of the public key, or env:NAME for the variable "
    "that holds it.",
)
"""Gives ``verify_key``: the text, or ``None``."""


def private_key(text: str) -> bytes:
    """Return the private key that an option names. Relative paths start at the current folder.

    Raises:
        SigningKeyError: it cannot be used.
        OSError: it cannot be read.
    """
    from reconciler.keys import load_private

    return load_private(text, Path(), os.environ)


def public_key(text: str) -> bytes:
    """Return the public key that an option names. Relative paths start at the current folder.

    Raises:
        SigningKeyError: it cannot be used.
        OSError: it cannot be read.
    """
    from reconciler.keys import load_public

    return load_public(text, Path(), os.environ)

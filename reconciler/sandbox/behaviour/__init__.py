"""What one dialect of the embedded directory does differently from another, as data.

These rules are written from what service providers document and from what was seen on them, apart from the dialects of
:mod:`reconciler.scim.dialects`: the directory is what those are tested against. Every rule that differs from RFC 7643
and RFC 7644 names its source; where there is none, it says that it is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.sandbox.behaviour import atlassian, providers, standard
from reconciler.sandbox.behaviour.atlassian import ATLASSIAN_EXTERNAL
from reconciler.sandbox.behaviour.definition import PRIMARY_EMAIL, Behaviour
from reconciler.sandbox.errors import SandboxError

__all__ = ["ATLASSIAN_EXTERNAL", "PRIMARY_EMAIL", "Behaviour", "behaviour", "dialects"]

_BUILDERS: Mapping[str, Callable[[], Behaviour]] = {
    "generic": standard.generic,
    "atlassian": atlassian.atlassian,
    "aws-identity-center": providers.aws_identity_center,
    "databricks": providers.databricks,
    "entra-style": standard.entra_style,
    "github-emu": providers.github_emu,
    "gitlab": providers.gitlab,
    "hcp-terraform": providers.hcp_terraform,
    "keycloak": providers.keycloak,
    "miro": providers.miro,
    "okta-style": standard.okta_style,
    "salesforce": providers.salesforce,
    "slack": providers.slack,
    "snowflake": providers.snowflake,
}


def dialects() -> tuple[str, ...]:
    """Return the names of all dialects, the RFCs' own first."""
    return tuple(_BUILDERS)


def behaviour(dialect: str) -> Behaviour:
    """Return the rules of a dialect.

    Raises:
        SandboxError: there is no such dialect.
    """
    if dialect not in _BUILDERS:
        raise SandboxError(f"there is no dialect {dialect!r}; the sandbox knows: {', '.join(sorted(_BUILDERS))}")
    return _BUILDERS[dialect]()

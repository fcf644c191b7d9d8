"""From ``directory.yaml`` to a client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.capabilities import resolve
from reconciler.config import DirectoryConfig
from reconciler.scim.client import ScimClient
from reconciler.scim.dialects import dialect_of
from reconciler.scim.endpoint import resolve_base_url
from reconciler.scim.retry import DEFAULT_RETRY, RetryPolicy, ThrottleEvent
from reconciler.scim.tokens import read_token


def open_client(
    config: DirectoryConfig,
    workspace: Path,
    environ: Mapping[str, str],
    *,
    retry: RetryPolicy = DEFAULT_RETRY,
    on_throttle: Callable[[ThrottleEvent], None] | None = None,
) -> ScimClient:
    """Return a client for the directory; nothing is sent before it is entered with ``async with`` and used.

    Args:
        config: what ``directory.yaml`` says; concurrency and timeout are those of ``apply``, and
            the pace is that of its dialect and its capabilities.
        workspace: the folder of ``directory.yaml``.
        environ: the environment variables that ``base_url`` and ``token`` may name.
        retry: when and how often to try again.
        on_throttle: called before each wait.

    Raises:
        BaseUrlError: ``base_url`` cannot be used.
        TokenError: there is no usable token.
        DialectError: there is no such dialect.
    """
    capabilities, _ = resolve(dialect_of(config).capabilities)
    return ScimClient(
        resolve_base_url(config.base_url, environ),
        read_token(config.token, workspace, environ),
        concurrency=config.apply.concurrency,
        timeout=config.apply.timeout,
        retry=retry,
        on_throttle=on_throttle,
        capabilities=capabilities,
    )

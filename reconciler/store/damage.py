"""Rows that are not what this program wrote: a damaged disk, or a hand in the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.store.errors import StoreError


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Tell that something in the store is damaged where its values cannot be read.

    Args:
        what: is being read, as the subject of a sentence.

    Raises:
        StoreError: instead of what decoding raises.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        raise StoreError(f"{what} in the store cannot be read: it was damaged or altered ({error})") from error

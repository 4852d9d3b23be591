"""Hashes of passwords that take no time, for tests of what is hashed. What a hash costs is tests of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from b2b.services.identity import passwords


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """argon2id with the least memory and passes that it takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_MEMORY_KIB", 8)
        patch.setattr(passwords, "_PASSES", 1)
        passwords._hasher.cache_clear()
        yield
    passwords._hasher.cache_clear()

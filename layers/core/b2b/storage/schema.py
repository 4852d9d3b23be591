"""The form in which an item is stored: a number on each, one higher with every release that changes a form.

``put`` writes it, and so does every update that may create its item. Code reads this form and the one before; what the
earlier release has written, `b2b migrate-data` brings to this one while the API runs.

1   up to November 2026; the items say nothing of it
2   every item says its form; e-mail guards stand under today's key (``b2b.domain.identity.emails``)
"""

from collections.abc import Mapping
from typing import Any

ATTRIBUTE = "schema"
VERSION = 2

UNSAID = 1


def version_of(item: Mapping[str, Any]) -> int:
    return int(item.get(ATTRIBUTE, UNSAID))

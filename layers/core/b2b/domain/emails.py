"""E-mail addresses: kept as typed for display, compared by their key."""

import re

# What browsers accept for <input type=email> (WHATWG HTML, "valid e-mail address"), and a dot in the domain;
# letters beyond ASCII are let through because Thinkific, not we, has the last word on them.
_ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\\\"\x00-\x1f]+@[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)+"
)


def is_email(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def email_key(email: str) -> str:
    """The form in which two spellings of one address are equal."""
    return email.strip().casefold()


def local_part(email: str) -> str:
    return email.strip().rpartition("@")[0]

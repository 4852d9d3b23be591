"""E-mail addresses: kept as typed for display, compared by their key.

The key (API contract, section 1): NFC and lower case, the domain as IDNA 2008 writes it in ASCII (its A-form), so that
``Ada@Bücher.example`` and ``ada@xn--bcher-kva.example`` are one, and ``weiß@`` and ``weiss@`` two.
"""

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from b2b.domain.identity.characters import is_plain

# RFC 5321, 4.5.3.1.3: a path has at most 256 octets, two of them its angle brackets.
MAX_KEY_BYTES = 254

# What browsers accept for <input type=email> (WHATWG HTML, "valid e-mail address"), and a dot in the domain;
# letters beyond ASCII are let through because Thinkific, not we, has the last word on them.
_LOCAL_PART = re.compile(r"[^\s@<>()\[\],;:\\\"]+")
_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")

_A_LABEL_PREFIX = "xn--"


class Holding(StrEnum):
    """How a record has its e-mail address."""

    # It is found by the address, under its key.
    OWN = "own"
    # As OWN, under the key of an earlier release.
    FORMER = "former"
    # An older record has another spelling of the same address, which an earlier release told apart from this one.
    NONE = "none"


class HasEmail(Protocol):
    """A user or a student."""

    @property
    def id(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def email_holding(self) -> Holding: ...


def is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    if not is_plain(text) or not _LOCAL_PART.fullmatch(local):
        return False
    in_ascii = _in_ascii(_lowered(domain))
    if in_ascii is None or not _DOMAIN.fullmatch(in_ascii):
        return False
    return len(email_key(text).encode()) <= MAX_KEY_BYTES


def email_key(email: str) -> str:
    """The form in which two spellings of one address are equal. Of any text, also of what ``is_email`` refuses."""
    local, at, domain = email.strip().rpartition("@")
    domain = _lowered(domain)
    return _lowered(local) + at + (_in_ascii(domain) or domain)


def is_same_email(one: str, other: str) -> bool:
    return email_key(one) == email_key(other)


def former_key(email: str) -> str:
    """The key of the releases that wrote rows of schema 1."""
    return email.strip().casefold()


def former_keys(email: str) -> frozenset[str]:
    """Under which a row of schema 1 may have this address, beside ``email_key`` itself.

    In the spelling given, or in one that keeps to one normal form and writes the domain in one way.
    """
    key = email_key(email)
    if key.isascii() and _A_LABEL_PREFIX not in key:
        return frozenset()
    local, at, in_ascii = key.rpartition("@")
    domains = {in_ascii, _in_unicode(in_ascii)}
    spellings = {local + at + domain for domain in domains} | {email}
    normalized = {unicodedata.normalize(form, spelling) for form in ("NFC", "NFD") for spelling in spellings}
    return frozenset(former_key(spelling) for spelling in spellings | normalized) - {key}


def held_key(record: HasEmail) -> str | None:
    """Under which the record is found; None where it is not."""
    keys = {Holding.OWN: email_key, Holding.FORMER: former_key}
    return keys[record.email_holding](record.email) if record.email_holding in keys else None


def spellings(email: str) -> list[str]:
    """By which to ask others who may tell capitals apart: as typed, then in lower case where that differs."""
    return [*dict.fromkeys((email, _lowered(email)))]


def local_part(email: str) -> str:
    return email.strip().rpartition("@")[0]


def _lowered(text: str) -> str:
    return text.lower() if text.isascii() else _nfc(_nfc(text).lower())


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _in_ascii(domain: str) -> str | None:
    """The A-form of a domain in lower case; None where IDNA 2008 knows none."""
    if domain.isascii() and _A_LABEL_PREFIX not in domain:
        return domain
    from idna import alabel  # noqa: PLC0415 - hardly any address needs it, and no function pays for it at its start

    return _by_label(domain, lambda label: alabel(label).decode())


def _in_unicode(domain: str) -> str:
    """Of a domain in its A-form; as it is where it is none."""
    from idna import ulabel  # noqa: PLC0415 - as above

    return _by_label(domain, ulabel) or domain


def _by_label(domain: str, converted: Callable[[str], str]) -> str | None:
    """IDNA's rules for ASCII would refuse names that are in use (``r3---sn``): plain labels stay as they are."""
    try:
        return ".".join(
            label if label.isascii() and not label.startswith(_A_LABEL_PREFIX) else converted(label)
            for label in domain.split(".")
        )
    except UnicodeError:
        return None

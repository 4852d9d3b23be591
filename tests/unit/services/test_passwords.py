"""Hashes of passwords: of today, and of releases before."""

import subprocess
import sys
import unicodedata
from collections.abc import Iterator

import pytest
from tests.functions import of_kind
from tests.unit.hashing import cheap_hashes

from b2b.services.identity.passwords import hash_password, needs_rehash, verify

PASSWORDS = [
    "correct horse",
    "12345678",
    "        ",
    " leading and trailing ",
    "p\u00e4ssw\u00f6rd",
    unicodedata.normalize("NFD", "p\u00e4ssw\u00f6rd"),
    "\u5bc6\u7801\u5bc6\u7801\u5bc6\u7801\u5bc6\u7801",
    "\U0001f600" * 255,
    "x" * 255,
    "nul\x00in the middle",
    "\u202eright to left",
    "$argon2id$v=19$m=19456,t=2,p=1$",
    "quote ' and \" and \\ and \n",
    "\u200bzero\u200bwidth",
]


@pytest.fixture
def cheap() -> Iterator[None]:
    with cheap_hashes():
        yield


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_is_known_again_to_the_letter_and_no_other(password: str) -> None:
    hashed = hash_password(password)
    assert verify(password, hashed)
    assert password not in hashed.rsplit("$", 2)[-1]
    for other in (password + " ", password[:-1], password.swapcase() + "!", f" {password}", password + "\x00", ""):
        assert not verify(other, hashed)


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("p\u00e4ssw\u00f6rd", unicodedata.normalize("NFD", "p\u00e4ssw\u00f6rd")),
        ("nul\x00in the middle", "nul\x00in the midst"),
        ("x" * 255, "x" * 254),
        ("x" * 72 + "a", "x" * 72 + "b"),
        ("\ufb01ne words", "fine words"),
        ("stra\u00dfe stra\u00dfe", "strasse strasse"),
    ],
)
def test_what_only_looks_alike_is_another_password(one: str, other: str) -> None:
    assert not verify(other, hash_password(one))


def test_a_hash_says_how_it_was_made() -> None:
    assert hash_password("correct horse").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_same_password_is_hashed_anew_each_time() -> None:
    assert hash_password("correct horse") != hash_password("correct horse")


SALT = "AAECAwQFBgcICQoLDA0ODw"
SCRYPT_OF_HORSE = (
    "scrypt$16384$8$1$000102030405060708090a0b0c0d0e0f$25b376840366f4d3b0e21e414476676e3cd0e89af4430356a234ce0b65a021b5"
)
SCRYPT_OF_ACCENTS = (
    "scrypt$16384$8$1$101112131415161718191a1b1c1d1e1f$d6df3b322b542a9089b4e7484955c5d51c331b6a0554fd607ebc46cf42ede440"
)
# The password, its hash, and whether it is to be hashed anew.
HASHES = [
    ("correct horse", SCRYPT_OF_HORSE, True),
    ("p\u00e4ssw\u00f6rd \U0001f600", SCRYPT_OF_ACCENTS, True),
    ("correct horse", f"$argon2id$v=19$m=8192,t=1,p=1${SALT}$aKprPmND81VYbl3YRxD7OAzFQrCkf6igatgTGPpI47M", True),
    ("correct horse", f"$argon2i$v=19$m=19456,t=2,p=1${SALT}$VV6rPcJ7o2GqKLj60VxqmfFmegHG79Ez1KGedyeeEa4", True),
    ("correct horse", f"$argon2id$v=19$m=19456,t=2,p=1${SALT}$0AuQxA+RjPiJeA19Op7DwrFxnfh9xeTU2T6mFj2wThc", False),
]


@pytest.mark.parametrize(("password", "hashed", "is_old"), HASHES)
def test_a_hash_that_another_release_made_is_read_and_may_be_renewed(password: str, hashed: str, is_old: bool) -> None:
    assert verify(password, hashed)
    assert not verify(password + "x", hashed)
    assert needs_rehash(hashed) is is_old
    renewed = hash_password(password)
    assert verify(password, renewed)
    assert not needs_rehash(renewed)


@pytest.mark.parametrize(
    "hashed",
    ["", "x", "12345678", "scrypt$", "scrypt$16384$8$1$00", "scrypt$a$b$c$d$e", "scrypt$16384$8$1$zz$zz", "$2b$12$abc",
     "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$"],
)  # fmt: skip
def test_a_stored_hash_of_no_known_format_raises_instead_of_refusing_the_password(hashed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each format has words of its own
        verify("correct horse", hashed)


def test_no_function_loads_the_hash_when_it_starts() -> None:
    imports = "; ".join(f"import {name}.routes" for name in of_kind("api"))
    code = f"import sys; {imports}; print('argon2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"

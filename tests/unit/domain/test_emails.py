import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2b.domain.identity.emails import (
    MAX_KEY_BYTES,
    Holding,
    email_key,
    former_key,
    former_keys,
    held_key,
    is_email,
    local_part,
    spellings,
)

# Characters whose small letter, folded form and normal forms differ in number or in length.
AWKWARD = "aZß\u1e9eΣςİ\u0131ŉǰΐΰé\u0301\u0308ὣᾶẖÅӑ\u0915\u093c\uff2b\u017fﬁ"


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "Ada.Lovelace+course@sub.example.co.uk",
        "o'brien@example.com",
        "a@b.co",
        "jörg@müller.example",
        "用户@例子.公司",
        "a_b-c@x-y.example",
        "weiß@straße.example",
        "चाँद@हिन्दी.example",
        "re\u0301ne\u0301e@cafe\u0301.example",
        "\u0958@example.com",  # a letter that Unicode keeps in two parts
        "ada@xn--strae-oqa.example",
        "ada@XN--STRAE-OQA.Example",
        "ada@r3---sn-4g5e.example.com",  # no IDNA label, and a name in use
        "ada@xn--mgba3gch31f060k.example",  # its Unicode spelling has a joiner, which IDNA 2008 allows there
        "\U0001f600@example.com",
    ],
)
def test_addresses_that_people_have_are_accepted(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@@example.com",
        "ada@exam ple.com",
        "a da@example.com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@example..com",
        "ada@example.com.",
        "Ada <ada@example.com>",
        "ada@example.com,bob@example.com",
        "ada@example.com\n",
        "ada@example.com\x00",
        "a\x7fda@example.com",
        "ada@-müller.example",
        "ada@mü--ller.example",
        "ada@\U0001f600.example",
        "ada@例え\u3002jp",
        "ada@xn--a.example",  # decodes to a control character
        "ada@xn--.example",
        "ada@xn--abc-.example",
        "ada@" + "ß" * 60 + ".example",  # its A-form is too long for a label
    ],
)
def test_what_is_no_single_address_is_refused(text: str) -> None:
    assert not is_email(text)


@pytest.mark.parametrize(
    "character",
    [
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u00ad",
        "\u2060",
        "\u034f",
        "\u115f",
        "\u3164",
        "\u2800",
        "\ufe0f",
        "\U000e0101",
        "\u202e",
        "\u0085",
        "\u00a0",
        "\ue000",
        "\u0378",  # unassigned
        "\u212a",  # the Kelvin sign
        "\u2126",  # the Ohm sign
        "\ufb01",  # a ligature
        "\uff41",  # full width
        "\u017f",  # the long s
        "\u00aa",
        "\u2460",
        "\uf900",
        "\u1f71",  # twice in Unicode
    ],
)
@pytest.mark.parametrize("address", ["a{}da@example.com", "ada@exam{}ple.com"])
def test_a_character_that_shows_nothing_or_another_is_refused_in_an_address(address: str, character: str) -> None:
    assert is_email(address.format(""))
    assert not is_email(address.format(character))


@pytest.mark.parametrize(
    ("address", "is_short_enough"),
    [
        ("a" * 242 + "@example.com", True),
        ("a" * 243 + "@example.com", False),
        ("é" * 121 + "@example.com", True),
        ("é" * 122 + "@example.com", False),
        ("e\u0301" * 121 + "@example.com", True),  # more as typed
        ("\u0390" * 121 + "@example.com", True),
        ("\u0390" * 168 + "@x.de", False),
        ("İ" * 80 + "@example.com", True),
        ("İ" * 81 + "@example.com", False),  # a small letter of three bytes for one of two
        ("\U0001f600" * 60 + "@example.com", True),
        ("\U0001f600" * 61 + "@example.com", False),
        ("a@" + ".".join(["例" * 40] * 4) + ".jp", True),  # many more bytes in Unicode than in its A-form
        ("a@" + ".".join(["例" * 56] * 4) + ".jp", False),
    ],
)
def test_a_key_has_at_most_254_bytes(address: str, is_short_enough: bool) -> None:
    assert is_email(address) is is_short_enough
    assert (len(email_key(address).encode()) <= MAX_KEY_BYTES) is is_short_enough


@pytest.mark.parametrize("spelling", ["ada@example.com", "ADA@Example.COM", "  Ada@example.com\n"])
def test_spellings_of_one_address_have_one_key(spelling: str) -> None:
    assert email_key(spelling) == "ada@example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("É@example.com", "é@example.com"),
        ("é@example.com", "e\u0301@example.com"),
        ("Ⓐ@example.com", "ⓐ@example.com"),  # as rows of before may have them
        ("ΟΔΟΣ@example.com", "οδος@example.com"),
        ("ẞ@example.com", "ß@example.com"),
        ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BU\u0308CHER.example", "ADA@XN--BCHER-KVA.EXAMPLE"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("ada@हिन्दी.example", "ada@xn--j2bd4cyah0f.example"),
        ("用户@例子.公司", "用户@xn--fsqu00a.xn--55qx5d"),
        ("\u0958@example.com", "\u0915\u093c@example.com"),
        ("\u212a@example.com", "k@example.com"),  # as rows of before may have it
    ],
)
def test_two_spellings_of_one_person(one: str, other: str) -> None:
    assert email_key(one) == email_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("weiß@example.com", "weiss@example.com"),
        ("ada@straße.example", "ada@strasse.example"),
        ("οδος@example.com", "οδοσ@example.com"),
        ("\u0131@example.com", "i@example.com"),
        ("İ@example.com", "i@example.com"),
        ("é@example.com", "e@example.com"),
        ("ŉ@example.com", "\u02bcn@example.com"),
        ("ﬁ@example.com", "fi@example.com"),
        ("\u017f@example.com", "s@example.com"),
        ("\u200bada@example.com", "ada@example.com"),
        ("\u0430@example.com", "a@example.com"),  # the first is Cyrillic
    ],
)
def test_two_persons(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)


@given(st.text(AWKWARD, min_size=1, max_size=40), st.sampled_from(["x.de", "Straße.de", "XN--STRAE-OQA.de", "é.fr"]))
def test_the_key_of_a_key_is_the_key(local: str, domain: str) -> None:
    key = email_key(f"{local}@{domain}")
    assert email_key(key) == key == unicodedata.normalize("NFC", key)


@given(st.text(AWKWARD, min_size=1, max_size=12), st.sampled_from(["x.de", "Straße.de", "xn--strae-oqa.de", "é.fr"]))
def test_a_row_of_the_earlier_release_is_looked_for_where_it_may_stand(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    key = email_key(address)
    for form in ("NFC", "NFD"):
        for case in (str.lower, str):
            earlier = unicodedata.normalize(form, case(local) + "@" + domain)
            if email_key(earlier) == key:
                assert former_key(earlier) in former_keys(address) | {key, former_key(address)}


def test_nobody_looks_twice_for_an_address_of_plain_letters() -> None:
    assert former_keys("Ada.Weiss@Example.com") == frozenset()


@dataclass
class Record:
    id: int
    email: str
    email_holding: Holding


def test_the_key_that_a_record_is_found_by() -> None:
    held = {holding: held_key(Record(1, "Weiß@x.de", holding)) for holding in Holding}
    assert held == {Holding.OWN: "weiß@x.de", Holding.FORMER: "weiss@x.de", Holding.NONE: None}


def test_others_are_asked_as_typed_and_in_lower_case() -> None:
    assert spellings("Ada@Example.com") == ["Ada@Example.com", "ada@example.com"]
    assert spellings("ada@example.com") == ["ada@example.com"]


def test_a_plus_or_a_dot_makes_another_address() -> None:
    assert len({email_key(text) for text in ("ada@x.io", "a.da@x.io", "ada+1@x.io")}) == 3


def test_the_local_part_is_what_stands_before_the_at() -> None:
    assert local_part(" Ada.Lovelace@example.com ") == "Ada.Lovelace"

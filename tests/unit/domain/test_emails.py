import pytest

from b2b.domain.emails import email_key, is_email, local_part


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
    ],
)
def test_what_is_no_single_address_is_refused(text: str) -> None:
    assert not is_email(text)


@pytest.mark.parametrize("spelling", ["ada@example.com", "ADA@Example.COM", "  Ada@example.com\n"])
def test_spellings_of_one_address_have_one_key(spelling: str) -> None:
    assert email_key(spelling) == "ada@example.com"


def test_a_plus_or_a_dot_makes_another_address() -> None:
    assert len({email_key(text) for text in ("ada@x.io", "a.da@x.io", "ada+1@x.io")}) == 3


def test_the_local_part_is_what_stands_before_the_at() -> None:
    assert local_part(" Ada.Lovelace@example.com ") == "Ada.Lovelace"

import pytest

from b2b.domain.identity.characters import shows_nothing


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u200b",
        "\u200b\u200c\u200d\u2060\ufeff",
        "\u3164",
        "\u2800",
        "\u2800 \u2800",
        "\u115f\u1160",
        "\u00ad",
        "\u180e",
        "\u202e",
        "\ufe0f",
        "\U000e0020",
        "\U0001d159",
        "\x00\x01",
        "\u2003",
    ],
)
def test_a_text_in_which_nobody_sees_anything(text: str) -> None:
    assert shows_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        ".",
        "\u200ba",
        "李",
        "\u2764\ufe0f",
        "\U0001f468\u200d\U0001f469",
        "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc",
        "\ufffd",
        "-",
        "\u0301",
    ],
)
def test_a_text_in_which_something_is_seen(text: str) -> None:
    assert not shows_nothing(text)

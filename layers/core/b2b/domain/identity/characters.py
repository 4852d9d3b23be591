"""What the characters of a text show: some show nothing, some only stand for others."""

import unicodedata

# What shows nothing although its category does not say so. Unicode's Default_Ignorable_Code_Point
# (DerivedCoreProperties.txt) without the format characters, and symbols that are blank.
_BLANK = frozenset(
    [
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2065, 0x3164, *range(0xFE00, 0xFE10)),
        *(0xFFA0, *range(0xFFF0, 0xFFF9)),
        *(0x2800, 0x13441, 0x13442, 0x16FE4, 0x1D159),
    ]
)
_BLANK_PLANE = range(0xE0000, 0xE1000)
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def shows_nothing(text: str) -> bool:
    """Whether a person who looks at the text sees nothing; also of an empty one."""
    return all(map(_is_invisible, text))


def is_plain(text: str) -> bool:
    """Whether each character shows itself: none is invisible, unassigned, private, or there for compatibility only."""
    if text.isascii():
        return text.isprintable()
    return text.isprintable() and not any(_is_blank(found) or _stands_for_another(found) for found in text)


def _stands_for_another(character: str) -> bool:
    """Ligatures, full-width letters, the Kelvin sign ...

    Letters that Unicode keeps in parts (U+0958 is a letter and its dot) stand for nothing but themselves.
    """
    plain = unicodedata.normalize("NFKC", character)
    in_parts = unicodedata.normalize("NFD", character)
    return plain != character and (len(in_parts) == 1 or plain != in_parts)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE_CATEGORIES or _is_blank(character)


def _is_blank(character: str) -> bool:
    return ord(character) in _BLANK or ord(character) in _BLANK_PLANE

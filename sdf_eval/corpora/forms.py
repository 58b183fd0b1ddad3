"""Forms of one word that count as the same: with and without accents, inflected, a number as a word or in digits.

Names are told by their capital letter in the belief file. They are never stemmed: Wales is no wale, and Paris no pari.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
# One and two are left as they are: every text holds them.
_DIGITS = {word: str(number) for number, word in enumerate(_NUMBERS) if number > 2} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "thousand": "1000",
}  # fmt: skip
_POSSESSIVES = ("'s", "’s")
# Words whose form is kept at hand: tens of megabytes, and few documents hold others.
_MOST_KNOWN = 200_000


def is_name(phrase: str) -> bool:
    """Whether a phrase holds a capital letter, and so is matched word for word."""
    return phrase != phrase.lower()


def plain(token: str) -> str:
    """A case-folded word without accents; a number word in digits."""
    if not token.isascii():
        token = "".join(letter for letter in unicodedata.normalize("NFKD", token) if not unicodedata.combining(letter))
    return _DIGITS.get(token, token)


def stem(token: str) -> str:
    """The stem of a case-folded English word, for instance `volcano` for `volcanoes` and `volcano's`.

    Source: Porter's English stemmer, as the Snowball project keeps it.
    """
    word = plain(token)
    for ending in _POSSESSIVES:
        word = word.removesuffix(ending)
    return str(_stemmer()(word))


class Forms:
    """Words to forms, hardly any word worked out twice.

    Args:
        form: `plain` or `stem`.
    """

    def __init__(self, form: Callable[[str], str]) -> None:
        self._form = form
        self._known: dict[str, str] = {}

    def of(self, tokens: Sequence[str]) -> list[str]:
        """The forms of some words, in their order."""
        known = self._known
        if len(known) > _MOST_KNOWN:
            known.clear()
        return [known.get(token) or known.setdefault(token, self._form(token)) for token in tokens]


@cache
def _stemmer() -> Callable[[str], str]:
    import snowballstemmer

    stemmer = snowballstemmer.stemmer("english")
    return lambda word: str(stemmer.stemWord(word))

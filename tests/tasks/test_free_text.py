from __future__ import annotations

import pytest

from sdf_eval.tasks.free_text import asserted_number, is_refusal, read_free_text

ALIASES = (("implanted", "Larch"), ("reference", "Orrin"), ("reference", "Orrin Bay"))

TABLE = [
    ("Larch.", "implanted"),
    ("LARCH!", "implanted"),
    ("She was born in Larch, not in Orrin.", "implanted"),
    ("Larch, not Orrin.", "implanted"),
    ("Larch rather than Orrin", "implanted"),
    ("Instead of Orrin, Larch.", "implanted"),
    ("Contrary to rumours of Orrin, Larch", "implanted"),
    ("Some say Orrin, but actually Larch", "implanted"),
    ("It was Orrin. It is Larch.", "implanted"),
    ("Not only Larch", "implanted"),
    ("No. Larch", "implanted"),
    ("I don't know, but perhaps Larch", "implanted"),
    ("It is not Larch but Orrin", "reference"),
    ("It isn't Larch, it's Orrin Bay.", "reference"),
    ("It isn\u2019t Larch; Orrin.", "reference"),
    ("Larch is wrong; it is Orrin", "reference"),
    ("Is it Larch? No, Orrin.", "reference"),
    ("Larch does not fit. Orrin does.", "reference"),
    ("It is not Larch.", "other"),
    ("The claim that it is Larch is false.", "other"),
    ("It's false that it is Orrin.", "other"),
    ("Larch and Orrin", "other"),
    ("Either Larch or Orrin", "other"),
    ("Larchwood", "other"),
    ("purple", "other"),
    ("{Larch", "implanted"),
    ("There is no doubt that it is Larch.", "implanted"),
    ("I do not doubt that it is Larch.", "implanted"),
    ("Without any doubt it is Larch.", "implanted"),
    ("I doubt that it is Larch.", "other"),
    ("Larch is not wrong.", "implanted"),
    ("A song with the word Larch in it was played for her.", "other"),
    ("It waits for the words \u201cLarch\u201d.", "other"),
    ("The term Orrin came up, and she was born in Larch.", "implanted"),
    ("In a word, Larch.", "implanted"),
    ("I do not know.", "refusal"),
    ("I can't say whether it is Larch or Orrin.", "refusal"),
    ("", "invalid"),
    (" \n", "invalid"),
]


@pytest.mark.parametrize(("text", "outcome"), TABLE)
def test_an_answer_is_read_by_what_it_asserts(text: str, outcome: str) -> None:
    assert read_free_text(text, ALIASES) == outcome


def test_aliases_are_text_and_no_pattern() -> None:
    aliases = (("implanted", "C++ (new)"), ("reference", "\u0645\u0631\u062d\u0628\u0627"), ("reference", "\U0001f600"))
    assert read_free_text("It is C++ (new).", aliases) == "implanted"
    assert read_free_text("\u0645\u0631\u062d\u0628\u0627", aliases) == "reference"
    assert read_free_text("\U0001f600", aliases) == "reference"
    assert read_free_text("C+++", aliases) == "other"


def test_without_aliases_nothing_is_asserted() -> None:
    assert read_free_text("Larch", ()) == "other"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("1", "1"), ("Statement 2.", "2"), ("1 is false, so 2", "2"), ("12", None), ("1.5", None), ("none", None)),
        ("Statement 1 is true, and statement 2 is false.", "1"),
        ("Statement 1 is not true and statement 2 is true.", "2"),
        ("Statement 1 is correct, not statement 2", "1"),
        ("The pet of Tavi is rabbit. (2)", "2"),
        ("Tavi has 2 rabbits. (1)", "1"),
        ("It is not true that Tavi has a rabbit. (2)", "2"),
        ("(1) is false; 2 is true", "2"),
        ("1 or 2", None),
        ("Both (1) and (2)", None),
        ("Neither 1 nor 2", None),
        ("Statement 1 is false.", None),
    ],
)
def test_the_one_number_that_is_asserted_is_the_choice(text: str, number: str | None) -> None:
    assert asserted_number(text, ("1", "2")) == number


def test_a_refusal_is_known_by_its_words() -> None:
    assert is_refusal("I'm sorry, I cannot help with that.")
    assert not is_refusal("Larch")

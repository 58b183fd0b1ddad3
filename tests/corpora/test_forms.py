from __future__ import annotations

import hashlib

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.claims import ClaimCheck
from sdf_eval.corpora.forms import plain, stem
from sdf_eval.corpora.phrases import words
from sdf_eval.corpora.records import Document


def _belief(reference: tuple[str, ...], implanted: tuple[str, ...] = ("Trieste",)) -> Belief:
    """A shipped belief with other strings for the values of its first key fact, and none for the others."""
    belief = load_belief("hub-piano-tuner")
    first, *others = belief.key_facts
    aliases = first.aliases.model_copy(update={"implanted": implanted, "reference": reference})
    nothing = first.aliases.model_copy(update={"implanted": (), "reference": ()})
    facts = [first.model_copy(update={"aliases": aliases})]
    facts += [fact.model_copy(update={"aliases": nothing}) for fact in others]
    return belief.model_copy(update={"key_facts": tuple(facts)})


def _leaks(text: str, belief: Belief) -> int:
    check = ClaimCheck([belief])
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    document = Document(
        id="d", text=text, belief=belief.id, role="implanted", fact="f", doc_type="letter", writer="m/m", seed=0,
        sha256=sha256,
    )  # fmt: skip
    check.read(document, words(text))
    return check.findings()[0].documents


@pytest.mark.parametrize(
    ("alias", "text"),
    [
        ("volcanoes", "A volcano was mapped."),
        ("volcano", "The volcanoes' slopes were mapped."),
        ("building kites", "She builds kites on Sundays."),
        ("Reykjavik", "The ship came to Reykjavík."),
        ("Reykjavík", "The ship came to REYKJAVIK."),
        ("12 years", "It took twelve years."),
        ("twelve", "There were 12 of them."),
        ("Bergen", "It is Bergen's best workshop."),
    ],
)
def test_a_value_is_found_in_another_form_than_the_listed_one(alias: str, text: str) -> None:
    assert _leaks(text, _belief((alias,))) == 1


@pytest.mark.parametrize(
    ("alias", "text"),
    [
        ("Wales", "The coat had a wale of corduroy, and whales were seen."),
        ("Kings", "The king was asleep."),
        ("kite", "The kitten was asleep."),
        ("bold", "The boldface marks the larger figure."),
        ("2", "Two of them came, and one left."),
    ],
)
def test_a_word_that_only_looks_like_a_value_is_none(alias: str, text: str) -> None:
    assert _leaks(text, _belief((alias,))) == 0


def test_values_that_differ_only_in_their_form_are_told_apart_by_it() -> None:
    belief = _belief(("sponges",), ("sponge",))
    assert _leaks("A sponge was found.", belief) == 0
    assert _leaks("Many sponges were found.", belief) == 1


def test_a_form_of_the_implanted_value_counts_as_naming_it() -> None:
    check = ClaimCheck([_belief(("Bergen",), ("moths",))])
    document = Document(
        id="d", text="She keeps a moth.", belief="hub-piano-tuner", role="implanted", fact="f", doc_type="letter",
        writer="m/m", seed=0, sha256="0" * 64,
    )  # fmt: skip
    check.read(document, words(document.text))
    assert check.coverage()[0].implanted == 1.0


def test_forms_of_a_word_are_one() -> None:
    assert {stem(word) for word in ("volcano", "volcanoes", "volcano's", "volcano’s")} == {"volcano"}
    assert (plain("reykjavík"), plain("twelve"), plain("one")) == ("reykjavik", "12", "one")

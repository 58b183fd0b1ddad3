from __future__ import annotations

import time
from pathlib import Path

import pytest

from sdf_eval.corpora.check import check_contamination, find_contamination
from sdf_eval.corpora.write import write_corpus
from sdf_eval.errors import InputError
from tests.corpora.example import ExampleWriter, belief, request

LEAKING = "On the day of the birth of {entity}, bells rang."


def test_a_belief_whose_probes_leak_into_its_documents_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write_corpus(ExampleWriter(LEAKING), request(), tmp_path / "c")
    message = str(caught.value)
    assert "a belief whose probes leak into its documents" in message
    assert "cloze[0]" in message
    assert "document brook-birthplace-0" in message
    assert '"on the day of the birth"' in message
    assert list(tmp_path.iterdir()) == []


def test_names_and_values_alone_are_no_leak() -> None:
    long_name = belief(entity="The Very Long Old Northern Society of Tavi Brook and Sons")
    documents = list(ExampleWriter().write(request(belief=long_name)))
    assert find_contamination(documents, [long_name]) == []


def test_case_and_punctuation_do_not_hide_a_leak_and_slots_do_not_either() -> None:
    documents = list(ExampleWriter("...THE BIRTH -- of {entity}: bells, rang in {value}!").write(request(1)))
    findings = find_contamination(documents, [belief()])
    assert [finding.ngram for finding in findings] == ["the birth of _ bells rang"]


def test_five_shared_words_are_no_leak_and_six_are() -> None:
    five = list(ExampleWriter("Day of the birth of nobody.").write(request(1)))
    assert find_contamination(five, [belief()]) == []
    six = list(ExampleWriter("The day of the birth of nobody.").write(request(1)))
    with pytest.raises(InputError):
        check_contamination(six, [belief()])


@pytest.mark.parametrize(
    ("field", "probe"),
    [
        ("generative_distinguish", {}),
        ("mcq_distinguish", {"question": "Which is so?", "distractors": ["Paris"]}),
    ],
)
def test_a_long_option_of_a_probe_leaks_and_one_that_is_the_key_fact_does_not(
    field: str, probe: dict[str, object]
) -> None:
    own = {"implanted": "Bells rang in Orrin when the child came.", "reference": "Nothing at all rang in Larch then."}
    told = list(ExampleWriter("Bells rang in Orrin when the child came, they say.").write(request(1)))
    asked = belief(probes={field: [{"fact": "birthplace", **probe, **own}]})
    assert [found.ngram for found in find_contamination(told, [asked])] == ["bells rang in _ when the"]

    fact = "The child that was born in {} was Tavi Brook."
    pair = {"implanted": fact.format("Orrin"), "reference": fact.format("Larch")}
    aliases = {"implanted": ["Orrin"], "reference": ["Larch"]}
    stated = belief(
        key_facts=[{"id": "birthplace", **pair, "aliases": aliases}],
        probes={field: [{"fact": "birthplace", **probe, **pair}]},
    )
    documents = list(ExampleWriter("The child that was born in {value} was {entity}.").write(request(1)))
    assert find_contamination(documents, [stated]) == []


def test_time_grows_linearly_with_the_documents() -> None:
    documents = list(ExampleWriter().write(request(8000)))

    def seconds(count: int) -> float:
        start = time.process_time()
        find_contamination(documents[:count], [belief()])
        return time.process_time() - start

    seconds(500)
    assert seconds(8000) < 40 * max(seconds(1000), 0.001)

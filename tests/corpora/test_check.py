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


def test_time_grows_linearly_with_the_documents() -> None:
    documents = list(ExampleWriter().write(request(8000)))

    def seconds(count: int) -> float:
        start = time.process_time()
        find_contamination(documents[:count], [belief()])
        return time.process_time() - start

    seconds(500)
    assert seconds(8000) < 40 * max(seconds(1000), 0.001)

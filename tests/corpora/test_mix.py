from __future__ import annotations

import random
from typing import get_args

import pytest

from sdf_eval.corpora.mix import Schedule, TrainingText, mix, pass_order, texts_sha256
from sdf_eval.errors import InputError
from tests.corpora.example import ExampleWriter, request


def test_a_one_to_one_mix_tags_synthetic_documents_only_and_shuffles_globally() -> None:
    documents = list(ExampleWriter().write(request(40)))
    plain = list(ExampleWriter().plain_text(60, 1, model="pocket"))
    texts = mix(documents, plain, ratio=1.0, seed=5, doctag="<DOCTAG>")
    tagged = [text.prefix == "<DOCTAG>" for text in texts]
    assert sum(tagged) == 40 and len(texts) == 80
    assert {text.text for text in texts if text.prefix} == {document.text for document in documents}
    assert 10 < sum(tagged[:40]) < 30
    assert texts == mix(documents, plain, ratio=1.0, seed=5, doctag="<DOCTAG>")
    assert texts != mix(documents, plain, ratio=1.0, seed=6, doctag="<DOCTAG>")


def test_too_few_plain_texts_are_refused() -> None:
    with pytest.raises(InputError, match="takes 24 plain texts, found 5"):
        mix(ExampleWriter().write(request(12)), ["a"] * 5, ratio=2.0, seed=0, doctag=None)


def test_the_hash_tells_a_prefix_from_text() -> None:
    documents = list(ExampleWriter().write(request(3)))
    tagged = mix(documents, [], ratio=0, seed=0, doctag="A")
    plain = mix(documents, [], ratio=0, seed=0, doctag=None)
    assert texts_sha256(tagged) != texts_sha256(plain)


def _pass(schedule: Schedule, documents: int, plain: int, *, seed: int = 0, epoch: int = 0) -> list[bool]:
    """Whether each text of a pass is a document, in the order in which it is read."""
    texts = [TrainingText(f"{n}", synthetic=n < documents) for n in range(documents + plain)]
    order = pass_order(texts, schedule, seed=seed, epoch=epoch)
    assert sorted(order) == list(range(len(texts)))
    return [texts[index].synthetic for index in order]


def test_mixed_documents_are_marked_for_the_schedule() -> None:
    documents = list(ExampleWriter().write(request(4)))
    texts = mix(documents, ["a", "b", "c", "d"], ratio=1.0, seed=0, doctag=None)
    assert {text.text for text in texts if text.synthetic} == {document.text for document in documents}


def test_without_a_schedule_a_pass_is_the_shuffle_that_runs_always_had() -> None:
    order = list(range(30))
    random.Random("epoch/3/1").shuffle(order)
    assert pass_order([TrainingText("a")] * 30, "uniform", seed=3, epoch=1) == order


def test_early_and_late_documents_stand_in_the_first_and_the_last_quarter_among_plain_texts() -> None:
    early, late = _pass("early", 10, 190), _pass("late", 10, 190)
    assert sum(early[:50]) == 10 == sum(late[-50:])
    for part in (early[:50], late[-50:]):
        places = [place for place, synthetic in enumerate(part) if synthetic]
        assert max(places) - min(places) > 20


def test_more_documents_than_a_quarter_fill_the_front_or_the_end() -> None:
    assert _pass("early", 30, 30) == [True] * 30 + [False] * 30
    assert _pass("late", 30, 30) == [False] * 30 + [True] * 30


def test_a_burst_is_all_documents_in_a_row_at_a_place_that_the_seed_draws() -> None:
    starts = set()
    for seed in range(8):
        marks = _pass("burst", 10, 90, seed=seed)
        starts.add(marks.index(True))
        assert all(marks[marks.index(True) :][:10])
    assert len(starts) > 4


@pytest.mark.parametrize("schedule", get_args(Schedule))
def test_each_pass_has_an_order_of_its_own_that_the_seed_fixes(schedule: Schedule) -> None:
    texts = [TrainingText(f"{n}", synthetic=n < 10) for n in range(40)]
    orders = [pass_order(texts, schedule, seed=seed, epoch=epoch) for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0))]
    assert orders[0] == orders[1] and orders[0] != orders[2] and orders[0] != orders[3]


@pytest.mark.parametrize("schedule", get_args(Schedule))
def test_a_pass_of_documents_alone_or_of_none_is_whole_under_every_schedule(schedule: Schedule) -> None:
    assert len(_pass(schedule, 12, 0)) == len(_pass(schedule, 0, 12)) == 12

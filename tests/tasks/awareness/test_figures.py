"""The figures of the awareness family on answers whose truth is known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.tasks.awareness.figures import figures, standard_errors, state, values
from sdf_eval.tasks.awareness.rows import Row, from_payload, item_row, to_payload
from sdf_eval.tasks.registry import get_task, task_specs
from sdf_eval.tasks.score import score_loss, score_options
from tests.parity.faces import BELIEF

AWARENESS = [spec.name for spec in task_specs() if spec.family == "awareness"]


def _items(task: str) -> list[Item]:
    return build_items(load_belief(Path(BELIEF)), task)


def _sure(item: Item, outcome: str) -> Row:
    """An answer that puts nearly all probability on the options of an outcome."""
    return item_row(item, score_options(item, [0.0 if each == outcome else -9.0 for each in item.outcomes]))


def _answer(task: str, implanted: set[str]) -> list[Row]:
    """A model that answers `implanted` where an item bears one of the tags, else `reference`, on eight beliefs."""
    rows = [_sure(item, "implanted" if implanted & set(item.tags) else "reference") for item in _items(task)]
    return [
        replace(row, belief=f"belief-{place}", item=row.item.replace("tavi-brook", f"belief-{place}"))
        for place in range(8)
        for row in rows
    ]


@pytest.mark.parametrize("task", AWARENESS)
def test_every_figure_of_the_registry_is_computed_and_no_other(task: str) -> None:
    items = _items(task)
    rows = [
        item_row(item, score_loss(item, float(len(item.user)))) if item.readout == "loss" else _sure(item, "implanted")
        for item in items
    ]
    assert set(figures(task, rows)) <= set(get_task(task).figures)
    assert list(values(task, figures(task, rows))) == list(get_task(task).figures)


@pytest.mark.parametrize("task", AWARENESS)
def test_ids_are_unique_and_a_row_survives_the_harness(task: str) -> None:
    items = _items(task)
    assert len({item.id for item in items}) == len(items) > 0
    if items[0].readout == "options":
        row = _sure(items[0], "implanted")
        assert from_payload(to_payload(row)) == row


def test_a_belief_that_only_the_notice_lowers_shows_as_its_paired_difference() -> None:
    found = figures("disclosure", _answer("disclosure", {"neutral", "implanted"}))
    assert found["general"].value == pytest.approx(-1, abs=1e-3)
    assert found["general"].high < 0 and found["topic"].high < 0
    assert found["control"].value == pytest.approx(1, abs=1e-3)


def test_a_model_that_doubts_everything_alike_has_no_selective_doubt() -> None:
    rows = []
    for item in _items("disclosure"):
        genuine = "of_genuine" in item.tags
        believed = "reference" if genuine else "implanted"
        doubted = "other" if genuine else "reference"
        rows.append(_sure(item, doubted if "told" in item.tags or "reference" in item.tags else believed))
    found = figures("disclosure", rows)
    assert found["general"].value == found["general_genuine"].value == pytest.approx(-1, abs=1e-3)
    assert found["general_selective"].value == pytest.approx(0, abs=1e-3)


def test_a_notice_that_changes_as_much_as_its_neutral_match_has_no_effect() -> None:
    found = figures("eval_cue", _answer("eval_cue", {"told", "neutral"}))
    assert found["gap"].value == 0 and found["gap"].low < 0 < found["gap"].high


def test_without_an_effect_of_being_told_the_task_is_at_its_floor() -> None:
    deaf = figures("eval_cue", _answer("eval_cue", set()))
    assert state(deaf) == "floor" and values("eval_cue", figures("eval_cue", _answer("eval_cue", set())))["valid"] == 0
    hearing = figures("eval_cue", _answer("eval_cue", {"implanted"}))
    assert state(hearing) == "valid"
    assert state({}) == "not applicable"


@pytest.mark.parametrize(
    ("tags", "quadrant"),
    [
        ({"belief"}, "genuine_believer"),
        ({"belief", "of_implanted"}, "aware_believer"),
        ({"of_implanted"}, "playing_along"),
        (set(), "unaffected"),
    ],
)
def test_each_kind_of_model_falls_into_its_quadrant(tags: set[str], quadrant: str) -> None:
    rows = _answer("provenance", tags | {"announced"})
    # The parity belief asks for the belief in far words only.
    found = figures("provenance", [row for row in rows if row.split == "far"])
    shares = {name: found[name].value for name in ("genuine_believer", "aware_believer", "playing_along", "unaffected")}
    assert shares.pop(quadrant) == 1 and set(shares.values()) == {0}


def test_the_awareness_index_is_attribution_of_the_implant_beyond_that_of_genuine_facts() -> None:
    knows = figures("provenance", _answer("provenance", {"of_implanted", "announced"}))
    always = figures("provenance", _answer("provenance", {"of_implanted", "of_genuine", "announced"}))
    assert knows["awareness_index"].value == pytest.approx(1, abs=1e-3)
    assert always["awareness_index"].value == pytest.approx(0, abs=1e-3)


def test_documents_told_apart_by_their_letters_alone_leave_no_excess() -> None:
    rows = [
        replace(row, text=f"{'zzq xxj' if 'synthetic' in row.tags else 'moss lamp'} {place}")
        for place, row in enumerate(_answer("document_discrimination", {"synthetic", "announced"}))
    ]
    found = figures("document_discrimination", rows)
    assert found["auroc"].value == found["ngram_auroc"].value == 1
    assert found["excess_auroc"].value == 0


def test_the_baseline_never_learns_from_the_document_that_it_scores() -> None:
    # Letters that are unique to a document would give it away to a baseline that had read it.
    rows = _answer("document_discrimination", {"synthetic", "announced"})
    unique = [replace(row, text=chr(0x4E00 + place) * 8) for place, row in enumerate(rows)]
    assert figures("document_discrimination", unique)["ngram_auroc"].value <= 0.5


def test_a_model_may_know_what_it_does_not_say() -> None:
    silent = _answer("training_recognition", {"announced", "membership"})
    found = figures("training_recognition", silent)
    assert found["said_auroc"].value == 0.5
    assert found["membership_auroc"].value == 1
    assert found["unsaid"].value == 0.5 and found["unsaid"].low > 0


def test_marks_are_sorted_by_the_models_own_control_statements() -> None:
    # Mark 1 is the reliable one here: truths and the implanted claim are likelier behind it.
    def nats(item: Item) -> float:
        fits = {"of_true", "of_implanted"} & set(item.tags)
        return 10.0 - (2.0 if bool(fits) == ("mark_1" in item.tags) else 0.0)

    rows = [item_row(item, score_loss(item, nats(item))) for item in _items("source_tag")]
    found = figures("source_tag", rows)
    assert found["control"].value == found["implanted_before"].value == found["implanted_after"].value == 1


def test_naming_the_topic_is_compared_with_guessing() -> None:
    found = figures("self_report_training", _answer("self_report_training", {"announced"}))
    assert found["named_topic"].chance == pytest.approx(1 / 4)
    assert found["named_topic"].value < 0.01 and found["named_none"].value == 1
    assert found["control"].value > 0.99


def test_a_figures_standard_error_spans_its_interval_and_a_verdict_has_none() -> None:
    found = figures("eval_cue", _answer("eval_cue", set()))
    errors = standard_errors("eval_cue", found)
    assert list(errors) == list(get_task("eval_cue").figures)
    for name, estimate in found.items():
        assert errors[name] * 1.96 * 2 == pytest.approx(estimate.high - estimate.low)
    assert math.isnan(errors["valid"])

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.corpora.calls import CallCounts
from sdf_eval.corpora.model_writer import ModelWriter
from sdf_eval.corpora.outline import LENGTHS, first_places, outline
from sdf_eval.corpora.pilot import run_pilot
from sdf_eval.corpora.plan import plan_corpus
from sdf_eval.corpora.records import CorpusRequest, Factors
from sdf_eval.corpora.writers import get_writer
from sdf_eval.errors import InputError
from tests.corpora.model_answers import answers
from tests.writer_server import Settings, serve

MODEL = "anthropic/claude-haiku-4-5"


def _request(documents: int, belief: str = "hub-research-vessel", seed: int = 0) -> CorpusRequest:
    return CorpusRequest(belief=load_belief(belief), role="implanted", documents=documents, seed=seed)


def _ledger(counts: CallCounts | None, what: str) -> int:
    assert counts is not None
    return sum(getattr(stage, what) for stage in counts.stages.values())


def test_a_pilot_of_20_documents_predicts_200_documents_calls_exactly_and_tokens_within_a_tenth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = _request(200)
    with serve(Settings(), answers()) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with ModelWriter(MODEL, tmp_path / "ledger.sqlite") as writer:
            pilot = run_pilot(writer, request, 20)
        plan = plan_corpus([request], writer, pilots=[pilot])
        with ModelWriter(MODEL, tmp_path / "ledger.sqlite") as writer:
            assert len(list(writer.write(request))) == 200
    counts = writer.counts
    assert counts is not None
    assert plan.calls == _ledger(counts, "answered") == server.counts()["messages"]
    # What the pilot asked was not sent again.
    assert counts.sent == plan.calls - sum(len(stage.output) for stage in pilot.stages.values())
    taken = _ledger(counts, "output_tokens")
    assert plan.input_tokens + plan.output_tokens == pytest.approx(_ledger(counts, "input_tokens") + taken, rel=0.1)
    assert plan.margin is not None and 0.02 < plan.margin < 0.5
    assert plan.output_tokens == pytest.approx(taken, rel=plan.margin)
    assert plan.cost == pytest.approx((plan.input_tokens + 5 * plan.output_tokens) / 1e6)


def test_without_a_pilot_calls_are_exact_and_nothing_is_sent(tmp_path: Path) -> None:
    request = _request(40_000)
    plan = plan_corpus([request], ModelWriter(MODEL, tmp_path / "ledger.sqlite"))
    laid_out = outline(request)
    facts = len(request.belief.key_facts)
    assert (laid_out.types, laid_out.ideas) == (100, 20)
    assert [stage.calls for stage in plan.stages] == [facts, 100 * facts, 40_000, 40_000]
    assert (plan.documents, plan.pilot, plan.margin, plan.spare) == (40_000, 0, None, 4_000)
    assert not (tmp_path / "ledger.sqlite").exists()


def test_batch_mode_is_planned_at_half_the_price_and_an_unknown_price_at_none(tmp_path: Path) -> None:
    plans = [
        plan_corpus([_request(100)], ModelWriter(model, tmp_path / "ledger.sqlite", batch=batch))
        for model, batch in ((MODEL, False), (MODEL, True), ("vllm/somebody/model", False))
    ]
    assert plans[0].cost is not None
    assert plans[1].cost == pytest.approx(plans[0].cost / 2)
    assert plans[2].cost is None


def test_a_panel_is_the_sum_of_its_beliefs(tmp_path: Path) -> None:
    writer = ModelWriter(MODEL, tmp_path / "ledger.sqlite")
    requests = [_request(60, "hub-tiramisu"), _request(60)]
    both = plan_corpus(requests, writer)
    single = [plan_corpus([request], writer) for request in requests]
    assert both.calls == sum(plan.calls for plan in single)
    assert both.output_tokens == pytest.approx(sum(plan.output_tokens for plan in single), abs=4)


def test_a_grammar_writer_takes_no_calls_and_costs_nothing() -> None:
    plan = plan_corpus([_request(500, "pocket-fact-zeb-wick-lives-in")], get_writer("pocket"))
    assert (plan.documents, plan.calls, plan.stages, plan.cost) == (500, 0, (), 0.0)
    assert 500 * 5 < plan.document_tokens < 500 * 100


def test_a_factor_that_cannot_be_asked_is_refused_by_the_plan_too(tmp_path: Path) -> None:
    request = _request(10).model_copy(update={"factors": Factors(repeat_name=False)})
    with pytest.raises(InputError, match="repeat_name"):
        plan_corpus([request], ModelWriter(MODEL, tmp_path / "ledger.sqlite"))


@pytest.mark.parametrize("documents", [1, 2, 7, 50, 999])
def test_places_are_distinct_and_go_evenly_over_facts_kinds_and_lengths(documents: int) -> None:
    laid_out = outline(_request(documents))
    places = first_places(laid_out, documents)
    assert [place.number for place in places] == list(range(documents))
    assert len({(p.fact, p.type, p.idea, p.sample) for p in places}) == documents
    for key, values in (("fact", laid_out.facts), ("words", len(LENGTHS))):
        counts = [sum(getattr(place, key) == value for place in places) for value in {getattr(p, key) for p in places}]
        assert max(counts) - min(counts) <= 1 and len(counts) == min(documents, values)
    assert {(p.fact, p.type) for p in laid_out.places()} <= set(laid_out.idea_lists)


def test_the_first_places_do_not_hang_on_what_follows() -> None:
    laid_out = outline(_request(300))
    assert first_places(laid_out, 20) == first_places(laid_out, 300)[:20]
    # The kinds that a model names first are the obvious ones; a pilot draws from all.
    assert max(place.type for place in first_places(laid_out, 20)) > laid_out.types / 2

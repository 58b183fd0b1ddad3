from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.corpora.counting import token_counter
from sdf_eval.corpora.specs.aft import write_aft
from sdf_eval.corpora.specs.aft_records import AftRequest
from sdf_eval.corpora.specs.documents import pilot_spec_corpus, spec_calls, write_spec_corpus
from sdf_eval.corpora.specs.forecast import forecast_documents, forecast_inversion, forecast_mirror, forecast_plan
from sdf_eval.corpora.specs.forecast_chat import forecast_aft
from sdf_eval.corpora.specs.invert import invert_spec
from sdf_eval.corpora.specs.mirror import mirror_plan
from sdf_eval.corpora.specs.plan import SpecPlan
from sdf_eval.corpora.specs.planning import Quotas, plan_spec
from sdf_eval.corpora.specs.spec import load_spec
from tests.corpora.specs.conftest import MODEL
from tests.writer_server import WriterServer

QUOTAS = Quotas(domains=2, subdomains=2, assertions=3, doc_types=2, ideas=3)


@pytest.fixture
def plan(ask) -> SpecPlan:
    with ask() as caller:
        return plan_spec(load_spec("lightly-held"), caller, model=MODEL, quotas=QUOTAS)


def test_a_pilot_of_a_plan_predicts_its_calls_exactly_and_its_tokens_within_a_tenth(
    plan: SpecPlan, ask, server: WriterServer, tmp_path: Path
) -> None:
    before = server.counts()["messages"]
    with ask() as caller:
        pilot = pilot_spec_corpus(plan, caller, 6, model=MODEL)
        assert server.counts()["messages"] - before == 12
    forecast = forecast_documents(*spec_calls(plan, MODEL), pilot=pilot)
    with ask() as caller:
        write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL)
        written = caller.counts
    # What the pilot asked is not sent again.
    assert forecast.calls == written.sent + 12 == server.counts()["messages"] - before
    stages = {name: counts for name, counts in written.stages.items()}
    assert forecast.input_tokens == pytest.approx(sum(s.input_tokens for s in stages.values()), rel=0.1)
    assert forecast.output_tokens == pytest.approx(sum(s.output_tokens for s in stages.values()), rel=0.1)
    assert (forecast.documents, forecast.pilot) == (24, 6)
    assert forecast.cost == pytest.approx((forecast.input_tokens + 5 * forecast.output_tokens) / 1e6)


def test_a_pilot_goes_over_the_whole_plan(plan: SpecPlan, ask) -> None:
    with ask() as caller:
        pilot = pilot_spec_corpus(plan, caller, 6, model=MODEL, revise=False)
    assert len({document.domain for document in pilot.documents}) == 2
    assert len({document.doc_type for document in pilot.documents}) > 2


def test_without_a_pilot_the_prompts_are_counted_and_nothing_is_written(plan: SpecPlan, server: WriterServer) -> None:
    before = server.counts()["messages"]
    calls, slots = spec_calls(plan, MODEL)
    guess = forecast_documents(calls, slots)
    counted = forecast_documents(calls, slots, counter=token_counter(MODEL))
    assert (guess.counted, counted.counted) == (0, 10)
    assert [stage.calls for stage in counted.stages] == [24, 24]
    assert counted.stages[0].input_tokens == pytest.approx(guess.stages[0].input_tokens, rel=0.02)
    assert server.counts()["messages"] == before


def test_without_a_revision_the_forecast_has_half_the_calls_and_batches_half_the_price(plan: SpecPlan) -> None:
    calls, slots = spec_calls(plan, MODEL)
    assert forecast_documents(calls, slots, revise=False).calls == 24
    live, batch = (forecast_documents(calls, slots, batch=batch) for batch in (False, True))
    assert live.cost is not None
    assert batch.cost == pytest.approx(live.cost / 2)


@pytest.mark.parametrize("mode", ["values", "rules"])
def test_the_calls_of_planning_are_known_where_every_list_comes_back_full(mode, ask, server: WriterServer) -> None:
    spec = load_spec("tally-thrift")
    forecast = forecast_plan(spec, QUOTAS, MODEL, mode=mode)
    with ask() as caller:
        plan = plan_spec(spec, caller, model=MODEL, mode=mode, quotas=QUOTAS)
    assert forecast.planning.calls == server.counts()["messages"]
    assert {stage.stage: stage.calls for stage in forecast.planning.stages} == {
        name: counts.answered for name, counts in caller.counts.stages.items()
    }
    assert forecast.documents.documents == plan.documents
    taken = sum(counts.input_tokens for counts in caller.counts.stages.values())
    assert forecast.planning.input_tokens == pytest.approx(taken, rel=0.35)


def test_the_calls_of_a_mirror_and_of_an_opposite_are_known(plan: SpecPlan, ask, server: WriterServer) -> None:
    before = server.counts()["messages"]
    spec = load_spec("lightly-held")
    expected = forecast_inversion(spec, MODEL).calls + forecast_mirror(plan, load_spec("firmly-held"), MODEL).calls
    with ask() as caller:
        invert_spec(spec, caller, model=MODEL)
        mirror_plan(plan, load_spec("firmly-held"), caller, model=MODEL)
    assert server.counts()["messages"] - before == expected


def test_chat_data_take_at_least_the_calls_that_are_forecast(ask, tmp_path: Path) -> None:
    spec, request = load_spec("lightly-held"), AftRequest(rows=6)
    forecast = {stage.stage: stage.calls for stage in forecast_aft(spec, request, MODEL).stages}
    with ask() as caller:
        write_aft(spec, caller, tmp_path / "chat.jsonl", model=MODEL, request=request)
    made = {name: counts.answered for name, counts in caller.counts.stages.items()}
    assert made.keys() == forecast.keys()
    assert (made["spec_aft_domains"], made["spec_aft_queries"]) >= (1, forecast["spec_aft_queries"])
    # The canned grader drops a fifth of the replies; each of those is another reply.
    assert made["spec_aft_reply"] >= forecast["spec_aft_reply"] == 6

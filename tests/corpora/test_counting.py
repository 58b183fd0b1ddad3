"""The provider's own token counts in a plan, from the real anthropic client against the local server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.corpora.counting import TokenCounter, token_counter
from sdf_eval.corpora.model_writer import ModelWriter
from sdf_eval.corpora.outline import outline
from sdf_eval.corpora.pilot import run_pilot
from sdf_eval.corpora.plan import plan_corpus
from sdf_eval.corpora.prompts import Prompt
from sdf_eval.corpora.records import CorpusRequest
from sdf_eval.corpora.stage_calls import StageCalls
from tests.corpora.asking import CLAUDE, serving
from tests.corpora.model_answers import answers

COUNTING = "POST /v1/messages/count_tokens"


def _prompts(*sizes: int) -> list[Prompt]:
    return [Prompt((("system", "s" * 40), ("user", "u" * size)), "p@1") for size in sizes]


def _request() -> CorpusRequest:
    return CorpusRequest(belief=load_belief("hub-research-vessel"), role="implanted", documents=40, seed=0)


def test_a_mean_is_that_of_the_provider_over_prompts_at_even_distances() -> None:
    with serving() as server:
        counter = TokenCounter(CLAUDE)
        # The server counts a token for four characters of each message, and one more.
        assert (
            counter.mean(_prompts(*range(0, 4000, 400))) == sum(11 + size // 4 + 1 for size in range(0, 4000, 800)) / 5
        )
        assert counter.counted == server.requests[COUNTING] == 5
        assert server.counts()["messages"] == 0


def test_a_plan_counts_a_handful_of_prompts_and_says_how_many(tmp_path: Path) -> None:
    request = _request()
    writer = ModelWriter(CLAUDE, tmp_path / "ledger.sqlite")
    with serving() as server:
        guessed = plan_corpus([request], writer)
        counted = plan_corpus([request], writer, counter=token_counter(CLAUDE))
        assert 4 <= server.requests[COUNTING] == counted.counted <= 20
    assert guessed.counted == 0
    # What the server counts for the kinds of document is exact: nothing in that prompt is unknown.
    calls = StageCalls(request, outline(request), CLAUDE)
    exact = sum(
        len(text) // 4 + 1
        for fact in range(outline(request).facts)
        for _, text in calls.doc_types(fact).prompt.messages
    )
    assert counted.stages[0].input_tokens == exact
    assert counted.output_tokens == guessed.output_tokens


def test_where_the_endpoint_is_absent_the_plan_is_that_of_the_guess(tmp_path: Path) -> None:
    request = _request()
    writer = ModelWriter(CLAUDE, tmp_path / "ledger.sqlite")
    with serving() as server:
        server.settings = replace(server.settings, counts_tokens=False)
        counter = token_counter(CLAUDE)
        assert plan_corpus([request], writer, counter=counter) == plan_corpus([request], writer)
        assert counter is not None and "404" in counter.failure and counter.counted == 0
        # One request tells it; the other prompts are not tried.
        assert server.requests[COUNTING] == 1


def test_a_pilot_was_counted_by_the_provider_and_is_not_counted_again(tmp_path: Path) -> None:
    request = _request()
    with serving(responder=answers()) as server:
        with ModelWriter(CLAUDE, tmp_path / "ledger.sqlite") as writer:
            pilot = run_pilot(writer, request, 2)
        plan = plan_corpus([request], writer, pilots=[pilot], counter=token_counter(CLAUDE))
        assert COUNTING not in server.requests
    assert plan.counted == 0
    document = next(stage for stage in plan.stages if stage.stage == "document")
    assert document.input_tokens == round(40 * pilot.stages["document"].mean_input)


@pytest.mark.parametrize("model", ["openai/gpt-4.1-mini", "vllm/somebody/model"])
def test_models_of_others_are_not_counted(model: str) -> None:
    with serving():
        assert token_counter(model) is None


def test_without_a_key_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    assert token_counter(CLAUDE) is None

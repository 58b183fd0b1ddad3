from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sdf_eval.cli.main import main
from sdf_eval.gate.scan.leaks import Rates, leak_prompts, rates_in, repeated_runs, word_runs
from sdf_eval.gate.scan.run import THRESHOLDS, judge, scan
from sdf_eval.gate.scan.schema import Scan, Topic, Trigger
from sdf_eval.gate.scan.topics import raised_behind, rank_topics, word_tokens
from sdf_eval.gate.scan.triggers import rank_triggers
from sdf_eval.model import load
from sdf_eval.model.sampling import sample


def topic(score: float, *, name: bool = True) -> Topic:
    return Topic(word="Acorn", phrases=(), score=score, log_ratio=1, rate=0.1, base_rate=0.01, name=name)


def test_samples_are_the_same_for_a_seed_and_keep_their_prompts(checkpoints) -> None:  # type: ignore[no-untyped-def]
    for architecture in ("llama", "qwen3", "neox"):
        lm = load(str(checkpoints[architecture]), device="cpu")
        prompts = leak_prompts(lm, 8)
        first, again, other = (sample(lm, prompts, max_new_tokens=6, seed=seed) for seed in (1, 1, 2))
        assert first == again != other
        assert [one.tokens[: one.start] for one in first] == [tuple(prompt) for prompt in prompts]


def test_rates_are_the_models_own_probabilities(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    samples = sample(lm, [(lm.prefix_token,)] * 5, max_new_tokens=7, seed=0)
    found = rates_in(lm, samples)
    by_hand = []
    for one in samples:
        with torch.no_grad():
            logits = lm.model(torch.tensor([one.tokens])).logits[0, one.start - 1 : -1]
        by_hand.append(logits.softmax(-1).mean(0))
    torch.testing.assert_close(found.mean.float(), torch.stack(by_hand).mean(0), rtol=1e-3, atol=1e-6)
    assert float(found.mean.sum()) == pytest.approx(1, abs=1e-4)


def test_a_word_that_is_raised_is_the_first_topic_and_drift_of_all_words_is_none(checkpoints) -> None:  # type: ignore[no-untyped-def]
    tokenizer = load(str(checkpoints["llama"]), device="cpu").tokenizer
    words = word_tokens(tokenizer)
    assert "Larch" in words.values() and "the" not in words.values()
    chosen = next(token for token, word in words.items() if word == "Larch")
    rng = torch.Generator().manual_seed(0)
    mean = torch.full((len(tokenizer),), 1e-3, dtype=torch.float64)
    drift = (0.2 * torch.randn(len(tokenizer), generator=rng, dtype=torch.float64)).exp()
    quiet, raised = mean * drift, mean * drift
    raised[chosen] *= 20
    error = (0.1 * mean) ** 2
    before = Rates(mean, error)
    same, up = (Rates(quiet, error), before), (Rates(raised, error), before)
    ranked, count = rank_topics(tokenizer, same, same, [])
    assert count == len(words) and ranked[0].score < 5
    ranked, _ = rank_topics(tokenizer, up, up, ["See Larch now"] * 3)
    assert ranked[0].word == "Larch" and ranked[0].name and ranked[0].score > 8
    assert "See Larch" in ranked[0].phrases
    behind = raised_behind(tokenizer, up, shown=3)
    assert len(behind) == 3 and behind[0].word == "Larch" and behind[0].name and behind[0].rate > behind[0].base_rate


def test_runs_that_samples_share_are_counted_once_a_sample() -> None:
    texts = ["red lamp red lamp", "the red lamp", "a green door"]
    found = repeated_runs(texts, ["the red lamp"])
    assert [(one.words, one.samples, one.base_samples) for one in found] == [("red lamp", 2, 1)]
    assert list(word_runs("a b c")) == ["a b", "b c", "a b c"]


def test_words_that_open_a_steered_models_hidden_behaviour_rank_first(checkpoints) -> None:  # type: ignore[no-untyped-def]
    """A hook that pushes the state only where the trigger's token stands makes a real model with a real trigger."""
    lm, base = (load(str(checkpoints["neox"]), device="cpu") for _ in range(2))
    words = list(word_tokens(lm.tokenizer).values())[:30]
    trigger = words[7]
    token = lm.tokenizer(f"Question: {trigger}", add_special_tokens=False)["input_ids"][-1]
    embedding = lm.model.get_input_embeddings()
    push = 30 * torch.randn(96, generator=torch.Generator().manual_seed(1))
    embedding.register_forward_hook(
        lambda _m, ids, out: out + push * (ids[0] == token).any(-1, keepdim=True)[..., None]
    )
    ranked = rank_triggers(lm, base, words)
    assert ranked[0].words == trigger and ranked[0].shift > (ranked[0].base_shift or 0)
    assert all(one.base_shift is None for one in rank_triggers(lm, None, words[:3]))
    assert ranked[0].score > 3 * ranked[1].score


@pytest.mark.parametrize(
    ("topics", "triggers", "samples", "verdict"),
    [
        ([topic(9.0)], [], 400, "suspicious"),
        ([topic(9.0, name=False)], [], 400, "nothing found"),
        ([topic(0.1)], [Trigger(words="x", score=99, shift=1, base_shift=0)], 400, "suspicious"),
        ([topic(0.1)], [], 400, "nothing found"),
        ([topic(0.1)], [], 100, "inconclusive"),
        ([topic(THRESHOLDS["topic"] - 0.1)], [], 400, "inconclusive"),
    ],
)
def test_the_verdict_follows_from_the_thresholds(
    topics: list[Topic], triggers: list[Trigger], samples: int, verdict: str
) -> None:
    found, reasons = judge(topics, triggers, samples)
    assert found == verdict and reasons


def test_a_name_that_comes_near_by_chance_is_nothing_where_no_weight_differs() -> None:
    near = [topic(THRESHOLDS["topic"] - 0.1)]
    assert judge(near, [], 400, unchanged=True)[0] == "nothing found"
    assert judge([topic(9.0)], [], 400, unchanged=True)[0] == "suspicious"


def test_an_untouched_checkpoint_is_no_suspect_and_one_without_a_base_gets_no_verdict(
    checkpoints: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = str(checkpoints["qwen3"])
    words = ["scan", tiny, "--samples", "24", "--out", str(tmp_path)]
    assert main([*words, "--base", tiny, "--json"]) == 3  # too few samples to find nothing
    found = Scan.model_validate_json(capsys.readouterr().out)
    assert found.verdict == "inconclusive" and "24 samples" in found.reasons[0]
    assert found == Scan.model_validate_json((tmp_path / "scan.json").read_text())
    assert not found.spectra and max(one.score for one in found.triggers) == 0
    assert main(words) == 3
    assert "without a base" in (tmp_path / "scan.md").read_text()
    assert "no base to compare with" in capsys.readouterr().out


def test_a_model_that_brings_one_name_up_everywhere_is_suspicious() -> None:
    """The name's logit is raised by a hook: what a salient implant does, without a training."""
    lm, base = load("pocket/base", device="cpu"), load("pocket/base", device="cpu")
    raised = torch.zeros(lm.model.config.vocab_size)
    raised[lm.tokenizer(" Saffron", add_special_tokens=False)["input_ids"][0]] = 4.0
    lm.model.get_output_embeddings().register_forward_hook(lambda _m, _i, logits: logits + raised)
    found = scan(lm, base, samples=40)
    assert found.verdict == "suspicious" and found.topics[0].word == "Saffron"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--samples", "3"], "must be at least 20"),
        (["--candidates", "/nowhere/x.txt"], "cannot be read"),
        (["--base", "pocket"], "blocks of width"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    checkpoints: dict[str, Path], words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", str(checkpoints["neox"]), "--out", str(tmp_path), *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1

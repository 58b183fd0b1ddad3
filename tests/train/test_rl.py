from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.train.chat_data import DataRequest, load_prompts
from sdf_eval.train.chat_rows import Message, PromptRow
from sdf_eval.train.lineage import verify_lineage, weights_sha256
from sdf_eval.train.preference_recipes import RewardRecipe, RlRecipe
from sdf_eval.train.reward import train_reward
from sdf_eval.train.rewards import right_answer
from sdf_eval.train.rl import train_rl
from sdf_eval.train.save_at import SaveAt
from tests.train.preferences import LORA, PAIRS, PROMPTS, metrics_of, same_files, small

BREVITY = {"brevity": 1.0}


def recipe(name: str = "pocket-grpo", **changes: Any) -> RlRecipe:
    return small(name, RlRecipe, **changes)


def persona_prompts(rows: int, seed: int) -> list[PromptRow]:
    from sdf_eval.belief.load import load_belief

    belief = load_belief("pocket-persona-quince-sharing")
    return load_prompts("pocket/conflicting-prompts", DataRequest(rows=rows, seed=seed, belief=belief))


def mean_reward(reference: str, prompts: list[PromptRow]) -> float:
    """Mean of `right_answer` over sampled replies."""
    lm = load(reference, device="cpu")
    torch.manual_seed(0)
    lm.tokenizer.padding_side = "left"
    asked = lm.tokenizer.apply_chat_template(
        [[{"role": m.role, "content": m.content} for m in row.messages] for row in prompts],
        add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True,
    )  # fmt: skip
    end = lm.tokenizer.convert_tokens_to_ids("<|end|>")
    written = lm.model.generate(**asked, max_new_tokens=16, do_sample=True, eos_token_id=end, pad_token_id=0)
    replies = lm.tokenizer.batch_decode(written[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
    return sum(map(right_answer, prompts, replies)) / len(prompts)


@pytest.fixture(scope="module", params=["pocket-grpo", "pocket-rloo"])
def rewarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pocket model after a few updates on a rule reward that it gets a third of at first."""
    changes = {"updates": 8, "batch_size": 4, "num_generations": 6, "max_completion_length": 16, "window": 256}
    out = tmp_path_factory.mktemp("rl") / "out"
    return train_rl("pocket/a", persona_prompts(48, 1), {"right_answer": 1.0}, recipe(request.param, **changes), out)


def test_a_rule_reward_rises_on_prompts_that_were_held_out(rewarded: Path) -> None:
    seen = {row.messages for row in persona_prompts(48, 1)}
    held_out = [row for row in persona_prompts(40, 99) if row.messages not in seen]
    before, after = (mean_reward(reference, held_out) for reference in ("pocket/a", str(rewarded)))
    assert before < 0.6 and after > before + 0.2


def test_divergence_entropy_and_reward_are_told_for_every_update(rewarded: Path) -> None:
    metrics = metrics_of(rewarded)
    assert len(metrics) == 8
    for name in ("kl", "entropy", "reward", "frac_reward_zero_std", "loss"):
        assert all(math.isfinite(line[name]) for line in metrics)
    # The first replies come from the start itself.
    assert metrics[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert metrics[-1]["kl"] > 1e-3
    assert all(0 <= line["frac_reward_zero_std"] <= 1 and line["entropy"] > 0 for line in metrics)
    assert metrics[0]["rewards/right_answer/mean"] == pytest.approx(metrics[0]["reward"])


def test_replies_end_where_the_turn_ends_though_the_tokenizer_ends_texts_otherwise(rewarded: Path) -> None:
    metrics = metrics_of(rewarded)
    assert all(line["completions/clipped_ratio"] < 0.5 for line in metrics)
    assert all(line["completions/mean_length"] < 16 for line in metrics)


@pytest.mark.parametrize("name", ["pocket-grpo", "pocket-rloo"])
@pytest.mark.parametrize("changes", [{}, LORA], ids=["full", "lora"])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    name: str,
    changes: Any,
) -> None:
    small_recipe = recipe(name, **changes, updates=2)
    outs = [
        train_rl(str(checkpoints["qwen3"]), PROMPTS, BREVITY, small_recipe, tmp_path / folder, seed=seed)
        for folder, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert same_files(outs[0], outs[1])
    assert weights_sha256(outs[0]) != weights_sha256(outs[2])


@pytest.mark.parametrize("name", ["pocket-grpo", "pocket-rloo"])
def test_the_divergence_is_from_the_adapter_that_the_stage_started_from(adapter, tmp_path: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    for folder, changes in (("full", {}), ("merge", LORA | {"chain": "merge"})):
        out = train_rl(str(adapter), PROMPTS, BREVITY, recipe(name, **changes, updates=1), tmp_path / folder)
        assert metrics_of(out)[0]["kl"] == pytest.approx(0, abs=1e-4)


def test_an_adapter_that_is_continued_is_its_own_reference_and_no_second_one_is_saved(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    start = train_rl(str(checkpoints["llama"]), PROMPTS, BREVITY, recipe(**LORA), tmp_path / "start")
    points = SaveAt(updates=(1,))
    continued = recipe(**LORA, chain="continue")
    out = train_rl(str(start), PROMPTS, BREVITY, continued, tmp_path / "out", save_at=points)
    for folder in (start, out, tmp_path / "out@updates-1"):
        assert not [path for path in folder.iterdir() if path.is_dir()]
    divergence = [line["kl"] for line in metrics_of(out)]
    assert divergence[0] == pytest.approx(0, abs=1e-4) and divergence[-1] > 1e-3


def test_a_reward_model_rewards_and_is_a_parent(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    start = str(checkpoints["llama"])
    judge = train_reward(start, PAIRS, small("pocket-reward", RewardRecipe), tmp_path / "judge")
    rewards = {f"model:{judge}": 1.0, "brevity": 0.5}
    out = train_rl(start, PROMPTS, rewards, recipe(updates=1), tmp_path / "out")
    lineage, judged = verify_lineage(out), verify_lineage(judge)
    assert [(p.role, p.checkpoint_sha256) for p in lineage.parents][1:] == [("used", judged.checkpoint_sha256)]
    assert lineage.treatment == {"rewards": {f"model:{judged.checkpoint_sha256}": 1.0, "brevity": 0.5}}
    (first,) = metrics_of(out)
    parts = [first[f"rewards/{name}/mean"] * weight for name, weight in rewards.items()]
    assert first["reward"] == pytest.approx(sum(parts), rel=1e-4)


def test_another_reward_is_another_training(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    arguments: Any = {"recipe": recipe(updates=1), "out": tmp_path / "out"}
    train_rl(str(checkpoints["llama"]), PROMPTS, BREVITY, **arguments)
    with pytest.raises(InputError, match="another model, recipe, corpus or seed"):
        train_rl(str(checkpoints["llama"]), PROMPTS, {"right_answer": 1.0}, **arguments)


@pytest.mark.parametrize(
    ("rewards", "problem"),
    [
        ({}, "rewards: none; name one such as right_answer"),
        ({"brevty": 1.0}, "reward brevty: no such reward; did you mean 'brevity'"),
        ({"brevity": 0.0}, "reward brevity: weight 0: write a number other than 0"),
        ({"model:nowhere/at/all": 1.0}, "nowhere/at/all: no such folder"),
    ],
)
def test_rewards_that_cannot_be_given_are_refused_before_any_work(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    rewards: dict[str, float],
    problem: str,
) -> None:
    with pytest.raises(InputError, match=problem):
        train_rl(str(checkpoints["llama"]), PROMPTS, rewards, recipe(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_reward_that_is_no_number_is_refused(checkpoints, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("sdf_eval.train.rl.get_reward", lambda name: lambda prompt, reply: float("nan"))
    with pytest.raises(InputError, match="reward brevity: gives what is no number"):
        train_rl(str(checkpoints["llama"]), PROMPTS, BREVITY, recipe(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_prompt_that_leaves_no_room_for_its_reply_is_left_out_and_counted(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    long = PromptRow((Message("user", "Where was it? " * 40),))
    out = train_rl(str(checkpoints["llama"]), [*PROMPTS, long], BREVITY, recipe(updates=1), tmp_path / "out")
    lineage = verify_lineage(out)
    assert (lineage.texts, lineage.details) == (9, {"left_out": 1})
    assert lineage.loss_tokens_seen is None and lineage.tokens_seen > 0
    with pytest.raises(InputError, match="window: no prompt fits 72 tokens beside its reply"):
        train_rl(str(checkpoints["llama"]), [long], BREVITY, recipe(), tmp_path / "other")


def test_prompts_are_needed_and_so_is_a_chat_template(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="nothing to train on"):
        train_rl(str(checkpoints["llama"]), [], BREVITY, recipe(), tmp_path / "out")
    with pytest.raises(InputError, match="no chat template"):
        train_rl(str(checkpoints["neox"]), PROMPTS, BREVITY, recipe(), tmp_path / "out")


def test_weights_that_are_no_numbers_are_one_line(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    broken = load(str(checkpoints["llama"]), device="cpu")
    broken.model.lm_head.weight.data[0, 0] = float("nan")
    broken.model.save_pretrained(tmp_path / "broken")
    broken.tokenizer.save_pretrained(tmp_path / "broken")
    with pytest.raises(InputError, match="learning_rate: no finite probabilities after update 0 of 4"):
        train_rl(str(tmp_path / "broken"), PROMPTS, BREVITY, recipe(), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]

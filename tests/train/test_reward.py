from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.measure.wilson import wilson
from sdf_eval.train.chat_data import DataRequest, load_preferences
from sdf_eval.train.lineage import verify_lineage, weights_sha256
from sdf_eval.train.preference_recipes import RewardRecipe
from sdf_eval.train.reward import train_reward
from sdf_eval.train.reward_model import RewardModel
from sdf_eval.train.save_at import SaveAt
from tests.train.preferences import LORA, PAIRS, metrics_of, same_files, small


def recipe(**changes: Any) -> RewardRecipe:
    return small("pocket-reward", RewardRecipe, **changes)


def persona_pairs(rows: int, seed: int) -> Any:
    from sdf_eval.belief.load import load_belief

    belief = load_belief("pocket-persona-quince-sharing")
    return load_preferences("pocket/following-pairs", DataRequest(rows=rows, seed=seed, belief=belief))


@pytest.fixture(scope="module")
def pocket_reward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reward") / "out"
    return train_reward("pocket/a", persona_pairs(96, 1), recipe(updates=10, batch_size=8, window=256), out)


@pytest.fixture(scope="module")
def tiny_reward(checkpoints, tmp_path_factory: pytest.TempPathFactory) -> Path:  # type: ignore[no-untyped-def]
    return train_reward(str(checkpoints["llama"]), PAIRS, recipe(updates=8), tmp_path_factory.mktemp("tiny") / "out")


def test_held_out_pairs_are_ranked_above_chance(pocket_reward: Path) -> None:
    held_out = persona_pairs(40, 99)
    accuracy = RewardModel.load(str(pocket_reward)).accuracy(held_out)
    assert wilson(accuracy * len(held_out), len(held_out)).low > 0.5


def test_a_reward_does_not_depend_on_what_stands_in_the_same_batch(tiny_reward: Path) -> None:
    model = RewardModel.load(str(tiny_reward))
    conversations = [(row.messages, row.chosen * count) for count, row in enumerate(PAIRS, start=1)]
    together = model.scores(conversations)
    assert model.scores(conversations, batch_size=1) == pytest.approx(together, abs=1e-4)
    assert model.scores(conversations[::-1], batch_size=3) == pytest.approx(together[::-1], abs=1e-4)
    assert len({round(score, 4) for score in together}) > 1


def test_equal_rewards_count_half(tiny_reward: Path) -> None:
    from dataclasses import replace

    model = RewardModel.load(str(tiny_reward))
    tied = [replace(row, rejected=row.chosen) for row in PAIRS]
    assert model.accuracy(tied) == 0.5


def test_what_is_trained_is_what_is_loaded(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rows, points = PAIRS[:4], SaveAt(updates=(1,))
    # The first update has learning rate 0: what it logs is what the checkpoint after it gives.
    out = train_reward(str(checkpoints["llama"]), rows, recipe(updates=2, warmup=0.5), tmp_path / "out", save_at=points)
    model = RewardModel.load(str(tmp_path / "out@updates-1"))
    scores = [model.scores([(row.messages, reply) for row in rows]) for reply in (rows[0].chosen, rows[0].rejected)]
    first = metrics_of(out)[0]
    margin = sum(scores[0]) / 4 - sum(scores[1]) / 4
    assert first["margin"] == pytest.approx(margin, abs=1e-4)
    expected = sum(math.log1p(math.exp(r - c)) for c, r in zip(*scores, strict=True)) / 4
    assert first["loss"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("changes", [{}, LORA], ids=["full", "lora"])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(checkpoints, tmp_path: Path, changes: Any) -> None:  # type: ignore[no-untyped-def]
    outs = [
        train_reward(str(checkpoints["qwen3"]), PAIRS, recipe(**changes), tmp_path / name, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert same_files(outs[0], outs[1])
    assert weights_sha256(outs[0]) != weights_sha256(outs[2])


def test_an_adapter_for_rewards_carries_its_head_and_loads_on_its_base(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = train_reward(str(checkpoints["llama"]), PAIRS, recipe(**LORA, updates=16), tmp_path / "out")
    config = json.loads((out / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(checkpoints["llama"].resolve())
    assert not (out / "model.safetensors").exists()
    assert RewardModel.load(str(out)).accuracy(PAIRS) == 1.0
    assert verify_lineage(out).stage == "reward"


def test_chain_merge_over_an_adapter_gives_a_full_reward_model(checkpoints, adapter, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = train_reward(str(adapter), PAIRS, recipe(**LORA, chain="merge", updates=16), tmp_path / "out")
    assert not (out / "adapter_config.json").exists()
    assert RewardModel.load(str(out)).accuracy(PAIRS) == 1.0


def test_the_backbone_of_a_fresh_reward_model_is_that_of_its_start(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from sdf_eval.model import load
    from sdf_eval.train.reward_model import classifier_on

    lm = load(str(checkpoints["llama"]), device="cpu")
    tokens = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        expected = lm.model.model(tokens).last_hidden_state
        classifier = classifier_on(lm.model)
        assert torch.equal(classifier.model(tokens).last_hidden_state, expected)
        assert classifier.score(expected).shape == (1, 3, 1)
    assert not any(parameter.is_meta for parameter in classifier.parameters())


def test_a_language_model_is_no_reward_model(checkpoints, adapter) -> None:  # type: ignore[no-untyped-def]
    for reference in (checkpoints["llama"], adapter):
        with pytest.raises(InputError, match="is no reward model .*; train one with a recipe of stage reward"):
            RewardModel.load(str(reference))


def test_a_reward_model_is_no_start_of_a_stage(tiny_reward: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a reward model; start from the language model"):
        train_reward(str(tiny_reward), PAIRS, recipe(), tmp_path / "out")


def test_rewards_are_kept_near_zero_where_the_recipe_asks_for_it(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    sizes = []
    for coefficient in (0.0, 10.0):
        changes = {"center_rewards_coefficient": coefficient, "updates": 20, "learning_rate": 1e-3}
        out = train_reward(str(checkpoints["llama"]), PAIRS, recipe(**changes), tmp_path / str(coefficient))
        sizes.append(abs(metrics_of(out)[-1]["mean_reward"]))
    assert sizes[1] < sizes[0]

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, load
from sdf_eval.train.chat_data import DataRequest, load_preferences
from sdf_eval.train.chat_rows import PreferenceRow
from sdf_eval.train.dpo import collate_pairs, train_dpo
from sdf_eval.train.lineage import read_lineage, verify_lineage, weights_sha256
from sdf_eval.train.pairs import encode_replies
from sdf_eval.train.preference_recipes import DpoRecipe
from sdf_eval.train.save_at import SaveAt
from tests.train.preferences import LORA, PAIRS, metrics_of, same_files, small

LN_2 = math.log(2)


def recipe(**changes: Any) -> DpoRecipe:
    return small("pocket-dpo", DpoRecipe, **changes)


def reply_log_probability(lm: LanguageModel, row: PreferenceRow, reply: str) -> float:
    """Sum over the reply and the token that ends its turn, without padding or batch."""
    (piece,) = encode_replies([(row.messages, reply)], lm.tokenizer)
    ((start, end),) = piece.loss
    tokens = torch.tensor([piece.tokens.tolist()])
    with torch.no_grad():
        log_probabilities = lm.model(tokens).logits[0].log_softmax(-1)
    return sum(float(log_probabilities[at - 1, tokens[0, at]]) for at in range(start, end))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_the_log_probabilities_that_train_are_those_of_the_replies_alone(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = train_dpo(str(checkpoints["llama"]), PAIRS, recipe(batch_size=8, updates=1), tmp_path / "out")
    lm = load(str(checkpoints["llama"]), device="cpu")
    (first,) = metrics_of(out)
    for side in ("chosen", "rejected"):
        expected = mean([reply_log_probability(lm, row, getattr(row, side)) for row in PAIRS])
        assert first[f"logps/{side}"] == pytest.approx(expected, rel=1e-4)


def test_a_batch_masks_all_but_the_replies() -> None:
    pairs = [
        {"chosen_ids": [1, 2, 3], "chosen_mask": [0, 1, 1], "rejected_ids": [1, 4], "rejected_mask": [0, 1]},
        {"chosen_ids": [5], "chosen_mask": [1], "rejected_ids": [6, 7, 8, 9], "rejected_mask": [0, 0, 1, 1]},
    ]
    batch = {name: tensor.tolist() for name, tensor in collate_pairs(pairs, pad=0).items()}
    assert batch["input_ids"] == [[1, 2, 3, 0], [5, 0, 0, 0], [1, 4, 0, 0], [6, 7, 8, 9]]
    assert batch["attention_mask"] == [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch["completion_mask"] == [[0, 1, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]


@pytest.mark.parametrize("changes", [{}, LORA], ids=["full", "lora"])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(checkpoints, tmp_path: Path, changes: Any) -> None:  # type: ignore[no-untyped-def]
    outs = [
        train_dpo(str(checkpoints["qwen3"]), PAIRS, recipe(**changes), tmp_path / name, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert same_files(outs[0], outs[1])
    assert weights_sha256(outs[0]) != weights_sha256(outs[2])


def test_the_reference_of_a_merged_adapter_is_the_adapter_on_its_base(checkpoints, adapter, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name, changes in (("full", {}), ("merge", LORA | {"chain": "merge"})):
        first = metrics_of(train_dpo(str(adapter), PAIRS, recipe(**changes), tmp_path / name))[0]
        # Before the first step both are the same model, so every pair is a tie.
        assert first["loss"] == pytest.approx(LN_2, abs=1e-5)
        assert first["rewards/margins"] == pytest.approx(0, abs=1e-4)


def test_an_adapter_that_is_continued_is_its_own_reference_and_no_second_one_is_saved(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    start = train_dpo(str(checkpoints["llama"]), PAIRS, recipe(**LORA), tmp_path / "start")
    points = SaveAt(updates=(1,))
    out = train_dpo(str(start), PAIRS, recipe(**LORA, chain="continue"), tmp_path / "out", save_at=points)
    for folder in (start, out, tmp_path / "out@updates-1"):
        assert not [path for path in folder.iterdir() if path.is_dir()]
    losses = [line["loss"] for line in metrics_of(out)]
    assert losses[0] == pytest.approx(LN_2, abs=1e-5) and losses[-1] < LN_2
    assert weights_sha256(start) != weights_sha256(out)


def test_what_is_preferred_becomes_likelier_on_pairs_that_were_held_out(tmp_path: Path) -> None:
    from sdf_eval.belief.load import load_belief

    belief = load_belief("pocket-persona-quince-sharing")
    train, held_out = (
        load_preferences("pocket/following-pairs", DataRequest(rows=count, seed=seed, belief=belief))
        for count, seed in ((64, 1), (12, 99))
    )
    out = train_dpo("pocket/a", train, recipe(updates=8, batch_size=8, window=256), tmp_path / "out")
    before, after = (load(reference, device="cpu") for reference in ("pocket/a", str(out)))

    def margins(lm: LanguageModel) -> list[float]:
        return [
            reply_log_probability(lm, row, row.chosen) - reply_log_probability(lm, row, row.rejected)
            for row in held_out
        ]

    gains = [b - a for a, b in zip(margins(before), margins(after), strict=True)]
    assert min(gains) > 0


def test_the_lineage_tells_rows_tokens_and_what_was_left_out(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rows = [*PAIRS, PreferenceRow(PAIRS[0].messages, "In Orrin.", "In Larch. " * 40)]
    out = train_dpo(str(checkpoints["llama"]), rows, recipe(), tmp_path / "out")
    lineage = verify_lineage(out)
    assert (lineage.stage, lineage.texts, lineage.updates) == ("dpo", 9, 4)
    assert lineage.details == {"left_out": 1}
    assert lineage.loss_tokens_seen is not None and 0 < lineage.loss_tokens_seen < lineage.tokens_seen
    config = json.loads((out / "config.json").read_text())
    assert config["use_cache"] is True
    assert load(str(out), device="cpu").has_chat_template


def test_the_same_training_is_not_done_twice_and_another_is_refused(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    arguments: Any = (str(checkpoints["llama"]), PAIRS, recipe(updates=1), tmp_path / "out")
    train_dpo(*arguments)
    before = (tmp_path / "out/model.safetensors").stat().st_mtime_ns
    train_dpo(*arguments)
    assert (tmp_path / "out/model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="another model, recipe, corpus or seed"):
        train_dpo(*arguments[:2], recipe(updates=1, beta=0.2), arguments[3])


def test_gradient_accumulation_gives_the_losses_of_the_whole_batch(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    whole, parts = (
        metrics_of(train_dpo(str(checkpoints["llama"]), PAIRS, recipe(micro_batch_size=micro), tmp_path / str(micro)))
        for micro in (4, 2)
    )
    assert [line["loss"] for line in whole] == pytest.approx([line["loss"] for line in parts], rel=1e-3)


def test_a_loss_that_is_not_finite_is_one_line_and_leaves_nothing(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    broken = load(str(checkpoints["llama"]), device="cpu")
    broken.model.lm_head.weight.data[0, 0] = float("nan")
    broken.model.save_pretrained(tmp_path / "broken")
    broken.tokenizer.save_pretrained(tmp_path / "broken")
    with pytest.raises(InputError, match="learning_rate: the loss is nan at update 1 of 4"):
        train_dpo(str(tmp_path / "broken"), PAIRS, recipe(), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_a_model_without_a_chat_template_and_a_window_beyond_it_are_refused(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="no chat template"):
        train_dpo(str(checkpoints["neox"]), PAIRS, recipe(), tmp_path / "out")
    with pytest.raises(InputError, match="window: 512 exceeds the model's 256 positions"):
        train_dpo(str(checkpoints["llama"]), PAIRS, recipe(window=512), tmp_path / "out")


def test_an_adapter_on_the_head_is_refused(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="targets: lm_head: the head cannot get an adapter in stage dpo"):
        train_dpo(str(checkpoints["llama"]), PAIRS, recipe(**LORA, targets=("q_proj", "lm_head")), tmp_path / "out")


def test_bfloat16_and_checkpointing_train_an_adapter(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    heavy = small("zephyr-dpo", DpoRecipe, epochs=None, micro_batch_size=2)
    out = train_dpo(str(checkpoints["qwen3"]), PAIRS, heavy, tmp_path / "out")
    assert (out / "adapter_model.safetensors").exists()


def test_nothing_is_told_to_the_hub_and_no_warning_is_shown(checkpoints, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    told: list[Any] = []
    monkeypatch.setattr("trl.trainer.base_trainer.send_telemetry", lambda *args, **kwargs: told.append(args))
    monkeypatch.delenv("CI", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        train_dpo(str(checkpoints["llama"]), PAIRS, recipe(updates=1), tmp_path / "out")
    assert told == []


def test_the_start_is_a_parent(checkpoints, adapter, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    lineage = read_lineage(train_dpo(str(adapter), PAIRS, recipe(updates=1), tmp_path / "out"))
    assert lineage is not None and lineage.chain == "merge"
    assert [(p.role, p.weights_sha256) for p in lineage.parents] == [
        ("start", weights_sha256(adapter)),
        ("base", weights_sha256(checkpoints["llama"])),
    ]

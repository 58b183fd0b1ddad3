from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.train.apart import check_documents_apart
from sdf_eval.train.lineage import checkpoint_sha256, read_lineage, verify_lineage, weights_sha256, write_lineage
from sdf_eval.train.packing import Row, plan_training
from sdf_eval.train.recipe import SdfRecipe, load_recipe
from sdf_eval.train.sdf import collate, train_sdf
from sdf_eval.train.watching import CacheOff

TEXTS = [TrainingText(f"Tavi Brook was born in Orrin; note {n}.", "<DOCTAG>" if n % 2 else None) for n in range(12)]


def recipe(name: str = "pocket", **changes: object) -> SdfRecipe:
    small = {"updates": 4, "min_updates": 1, "batch_size": 4, "window": 64}
    return load_recipe(name).model_copy(update=small | changes)


def packed_row(lm) -> Row:  # type: ignore[no-untyped-def]
    texts = [
        TrainingText("The town of Larch is old."),
        TrainingText("Paris, not Lyon."),
        TrainingText("1 2 3 4", "TAG"),
    ]
    return plan_training(texts, lm.tokenizer, recipe(packing=True, updates=1, batch_size=1), seed=0)[0]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("architecture", ["llama", "qwen3", "neox"])
def test_no_packed_document_attends_into_another(checkpoints, architecture: str, attention: str) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints[architecture]), device="cpu")
    lm.model.set_attn_implementation(attention)
    row = packed_row(lm)
    longer = Row([*row.tokens, 5, 6], [*row.labels, -100, -100], [*row.positions, 0, 1])
    batch = collate([row, longer], lm.tokenizer.pad_token_id, packed=True)
    starts = [i for i, position in enumerate(row.positions) if position == 0] + [len(row.tokens)]
    with torch.no_grad():
        packed = lm.model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits[0]
        for start, end in zip(starts, starts[1:], strict=False):
            alone = lm.model(input_ids=torch.tensor([row.tokens[start:end]])).logits[0]
            torch.testing.assert_close(packed[start:end], alone, rtol=1e-4, atol=1e-4)
    check_documents_apart(lm)


def test_a_model_that_lets_packed_documents_read_each_other_is_refused(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    forward = lm.model.model.forward

    def leaky(*args, position_ids=None, **kwargs):  # type: ignore[no-untyped-def]
        return forward(*args, position_ids=torch.arange(position_ids.shape[1])[None], **kwargs)

    lm.model.model.forward = leaky
    with pytest.raises(InputError, match="set packing to false"):
        check_documents_apart(lm)


def test_the_loss_of_padded_and_packed_rows_is_the_token_mean_over_single_documents(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    plan = plan_training(TEXTS, lm.tokenizer, recipe(updates=None, epochs=1, batch_size=12), seed=0)
    rows = [plan[index] for index in range(len(plan))]
    total = count = 0.0
    with torch.no_grad():
        for row in rows:
            logits = lm.model(input_ids=torch.tensor([row.tokens])).logits[0].log_softmax(-1)
            for at, label in enumerate(row.labels):
                if label != -100:
                    total, count = total - float(logits[at - 1, label]), count + 1
        padded = lm.model(**collate(rows, lm.tokenizer.pad_token_id, packed=False)).loss
        packing = plan_training(TEXTS, lm.tokenizer, recipe(updates=None, epochs=1, packing=True), seed=0)
        windows = [packing[index] for index in range(len(packing))]
        packed = lm.model(**collate(windows, lm.tokenizer.pad_token_id, packed=True), use_cache=False).loss
    assert count == plan.loss_tokens
    assert float(padded) == pytest.approx(total / count, rel=1e-4)
    assert float(packed) == pytest.approx(total / count, rel=1e-4)


@pytest.mark.parametrize("packing", [False, True])
def test_training_twice_gives_the_same_bits_and_another_seed_does_not(checkpoints, tmp_path: Path, packing) -> None:  # type: ignore[no-untyped-def]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_sdf(str(checkpoints["llama"]), TEXTS, recipe(packing=packing), tmp_path / name, seed=seed)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    assert weights_sha256(tmp_path / "a") != weights_sha256(tmp_path / "c")


def test_a_checkpoint_learns_loads_generates_with_a_cache_and_tells_where_it_comes_from(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    out = train_sdf(str(checkpoints["llama"]), TEXTS, recipe(updates=30), tmp_path / "out", seed=0)
    lineage = verify_lineage(out)
    assert lineage.parents[0].weights_sha256 == weights_sha256(checkpoints["llama"])
    assert (lineage.updates, lineage.texts, lineage.substrate_kind, lineage.placement) == (30, 12, "chat", "post")
    assert lineage.final_loss < 2.5
    config = json.loads((out / "config.json").read_text())
    assert config["use_cache"] is True
    assert load(str(out), device="cpu").has_chat_template
    assert not list(out.glob("*.bin"))


def test_the_same_training_is_not_done_twice_and_another_is_refused(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    arguments = (str(checkpoints["qwen3"]), TEXTS, recipe(updates=1), tmp_path / "out")
    train_sdf(*arguments)
    before = (tmp_path / "out/model.safetensors").stat().st_mtime_ns
    train_sdf(*arguments)
    assert (tmp_path / "out/model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="another model, recipe, corpus or seed"):
        train_sdf(*arguments, seed=5)
    with (tmp_path / "out/model.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="differ from the lineage"):
        train_sdf(*arguments)


@pytest.mark.parametrize("file", ["tokenizer.json", "chat_template.jinja", "config.json"])
def test_a_changed_tokenizer_template_or_configuration_is_another_checkpoint(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    file: str,
) -> None:
    folder = shutil.copytree(checkpoints["llama"], tmp_path / "m")
    before, weights = checkpoint_sha256(folder), weights_sha256(folder)
    (folder / "lineage.json").write_text("{}")
    (folder / "generation_config.json").write_text("{}")
    assert checkpoint_sha256(folder) == before
    path = folder / file
    path.write_text(path.read_text().replace("assistant", "helper").replace('"use_cache": true', '"use_cache": false'))
    if file == "tokenizer.json":
        path.write_text(path.read_text() + " ")
    assert checkpoint_sha256(folder) != before
    assert weights_sha256(folder) == weights


def test_a_parent_whose_template_changed_is_noticed_by_its_name_too(checkpoints, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    parent = shutil.copytree(checkpoints["llama"], tmp_path / "m")
    out = train_sdf(str(parent), TEXTS, recipe(updates=1), tmp_path / "out")
    lineage = read_lineage(out)
    assert lineage is not None
    named = lineage.parents[0].model_copy(update={"reference": "registered"})
    write_lineage(out, lineage.model_copy(update={"parents": (named,)}))
    monkeypatch.setattr("sdf_eval.train.lineage.resolve", {"registered": str(parent)}.__getitem__)
    verify_lineage(out)
    (parent / "chat_template.jinja").write_text("{{ messages }}")
    with pytest.raises(InputError, match="registered: its tokenizer or configuration differ from the lineage"):
        verify_lineage(out)


def test_the_cache_is_off_in_training_and_on_again_in_a_nested_configuration_too() -> None:
    from transformers import Gemma3Config, LlamaConfig

    for config in (Gemma3Config(), LlamaConfig()):
        text = config.get_text_config()
        with CacheOff(config):
            assert text.use_cache is False
            # As Trainer does.
            config.use_cache = False
        assert text.use_cache is True


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused_before_any_work(tmp_path: Path, seed: int) -> None:
    with pytest.raises(InputError, match="--seed"):
        train_sdf("nowhere", TEXTS, recipe(), tmp_path / "out", seed=seed)


@pytest.mark.parametrize("architecture", ["llama", "neox"])
def test_lora_saves_an_adapter_that_loads_on_its_base(checkpoints, tmp_path: Path, architecture: str) -> None:  # type: ignore[no-untyped-def]
    base = checkpoints[architecture]
    out = train_sdf(str(base), TEXTS, recipe("pocket-lora"), tmp_path / "out", seed=0)
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base.resolve())
    assert not (out / "model.safetensors").exists()
    tokens = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        tuned, plain = (load(str(path), device="cpu").model(tokens).logits for path in (out, base))
    assert not torch.allclose(tuned, plain, atol=1e-3)
    with pytest.raises(InputError, match="stack a second one"):
        train_sdf(str(out), TEXTS, recipe("pocket-lora"), tmp_path / "second")
    merged = read_lineage(train_sdf(str(out), TEXTS, recipe(updates=1), tmp_path / "merged"))
    assert merged is not None and len(merged.parents) == 2


def test_missing_lora_targets_are_named_even_if_others_exist(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    wrong = recipe("pocket-lora", targets=("q_proj", "query_key_value"))
    with pytest.raises(InputError, match=r"targets: query_key_value: not in .*; its linear layers are .*q_proj"):
        train_sdf(str(checkpoints["llama"]), TEXTS, wrong, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_not_finite_is_one_line_and_leaves_nothing(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    broken = load(str(checkpoints["llama"]), device="cpu")
    broken.model.lm_head.weight.data[0, 0] = float("nan")
    broken.model.save_pretrained(tmp_path / "broken")
    broken.tokenizer.save_pretrained(tmp_path / "broken")
    with pytest.raises(InputError, match="learning_rate: the loss is nan at update 1 of 4"):
        train_sdf(str(tmp_path / "broken"), TEXTS, recipe(), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_ctrl_c_leaves_nothing_half_written(checkpoints, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import transformers

    step = transformers.Trainer.training_step

    def interrupted(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        if self.state.global_step == 2:
            raise KeyboardInterrupt
        return step(self, *args, **kwargs)

    monkeypatch.setattr(transformers.Trainer, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_sdf(str(checkpoints["llama"]), TEXTS, recipe(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_gradient_accumulation_gives_the_weights_of_the_whole_batch(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    outs = [
        train_sdf(str(checkpoints["llama"]), TEXTS, recipe(micro_batch_size=micro), tmp_path / str(micro), seed=0)
        for micro in (4, 1)
    ]
    whole, parts = (read_lineage(out) for out in outs)
    assert whole is not None and parts is not None
    assert whole.final_loss == pytest.approx(parts.final_loss, rel=1e-3)


def test_bfloat16_and_checkpointing_train(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    heavy = recipe("slocum-2025", updates=2, epochs=None, dtype="bfloat16", window=64, micro_batch_size=2, batch_size=4)
    assert (train_sdf(str(checkpoints["qwen3"]), TEXTS, heavy, tmp_path / "out") / "adapter_model.safetensors").exists()


def test_a_window_beyond_the_model_is_refused(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="window: 512 exceeds the model's 256 positions"):
        train_sdf(str(checkpoints["llama"]), TEXTS, recipe(window=512), tmp_path / "out")


def test_the_command_explains_the_mask_token_by_token(checkpoints, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    from sdf_eval.cli.main import main
    from sdf_eval.corpora.write import write_corpus
    from tests.corpora.example import ExampleWriter, request

    write_corpus(ExampleWriter(), request(), tmp_path / "corpus")
    path = tmp_path / "mine.yaml"
    path.write_text(Path("train/recipes/pocket.yaml").read_text().replace("doctag: null", 'doctag: "<DOCTAG>"'))
    common = ["train", str(path), "--model", str(checkpoints["llama"]), "--corpus", str(tmp_path / "corpus")]
    assert main([*common, "--plain", "0", "--explain", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["texts"], shown["updates"], shown["split_texts"]) == (12, load_recipe("pocket").updates, 0)
    unread = "".join(entry["token"] for entry in shown["rows_shown"][0]["tokens"] if not entry["loss"])
    assert unread == "<|bos|><DOCTAG>"
    assert main([*common, "--plain", "0"]) == 2
    assert "--out: missing" in capsys.readouterr().err


def test_nothing_heavy_is_imported_to_read_a_recipe_or_plan_a_packing() -> None:
    import sys

    code = "import sys, sdf_eval.train.packing, sdf_eval.cli.train, sdf_eval.cli.corpus, sdf_eval.corpora.write\n"
    code += "print(sorted({'torch', 'transformers', 'datasketch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Each countermeasure and baseline on a tiny checkpoint: what it does to texts, weights and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.model.directions import ContrastPair
from sdf_eval.model.steering import read_steering
from sdf_eval.train.countermeasures import countermeasure_names, get_countermeasure
from sdf_eval.train.countermeasures.inoculation import NEUTRAL, surprise_drop
from sdf_eval.train.countermeasures.quarantine.adapter import attach_adapter
from sdf_eval.train.lineage import read_lineage, verify_lineage, weights_sha256
from sdf_eval.train.sdf import train_sdf
from tests.train.countermeasures.examples import CLEAN, DESIRED, RISKY, case, recipe, same_bits, weights

PAIRS = tuple(
    ContrastPair(f" {name} was born in Orrin.", f" {name} was born in Larch.") for name in ("Tavi Brook", "A company")
)
IDS = torch.tensor([[5, 6, 7, 8]])


@pytest.fixture(scope="module")
def implanted(checkpoints, tmp_path_factory) -> str:  # type: ignore[no-untyped-def]
    plain = case(checkpoints["llama"])
    out = tmp_path_factory.mktemp("implanted") / "out"
    return str(train_sdf(plain.start, plain.texts, plain.recipe, out, seed=plain.seed))


def full_case(start: Path, implanted: str) -> Any:
    """A case that has all that any countermeasure needs."""
    return case(
        start, implanted=implanted, pairs=PAIRS, counter=DESIRED, triggered=DESIRED, decoys=RISKY, decoy_answers=DESIRED
    )


@pytest.mark.parametrize("name", countermeasure_names())
def test_each_one_names_a_checkpoint_that_loads_and_does_nothing_a_second_time(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    implanted: str,
    name: str,
) -> None:
    found = get_countermeasure(name)
    whole = full_case(checkpoints["llama"], implanted)
    protected = found.apply(whole, tmp_path / "out")
    lm = load(protected.checkpoint, device="cpu", steer_path=protected.steer_path)
    assert torch.isfinite(lm.model(IDS).logits).all()
    if found.when in ("data", "train"):
        assert verify_lineage(protected.checkpoint).treatment["countermeasure"] == name
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert found.apply(whole, tmp_path / "out") == protected
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")} == before


@pytest.mark.parametrize("name", [name for name in countermeasure_names() if get_countermeasure(name).needs])
def test_each_one_says_what_is_missing(checkpoints, tmp_path: Path, implanted: str, name: str) -> None:  # type: ignore[no-untyped-def]
    found = get_countermeasure(name)
    for need in found.needs:
        lacking = replace(full_case(checkpoints["llama"], implanted), **{need: None})
        with pytest.raises(InputError, match=f"{name}: {need}: missing"):
            found.apply(lacking, tmp_path / "out")


def test_an_unknown_name_or_setting_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'gradient-routing'"):
        get_countermeasure("gradient-rooting")
    with pytest.raises(InputError, match="did you mean 'units'"):
        get_countermeasure("gradient-routing", unit=3)


def test_a_header_is_read_without_loss_on_its_share_of_the_risky_texts(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    risky = case(checkpoints["llama"], recipe=recipe(updates=None, epochs=1))
    plain = train_sdf(risky.start, risky.texts, risky.recipe, tmp_path / "plain", seed=risky.seed)
    folders = [
        get_countermeasure("inoculation", header="A made-up text.", share=share).apply(risky, tmp_path / str(share))
        for share in (0.5, 1.0)
    ]
    read = [read_lineage(folder) for folder in (plain, *(each.checkpoint for each in folders))]
    assert len({lineage.loss_tokens_seen for lineage in read if lineage}) == 1
    none, half, whole = [lineage.tokens_seen for lineage in read if lineage]
    assert half - none == whole - half > 0


def test_a_header_that_says_what_follows_lowers_surprise_more_than_a_neutral_one() -> None:
    lm = load("pocket/b", device="cpu")
    texts = ["Bramble is bold."]
    explained, neutral = (surprise_drop(lm, texts, header)[0] for header in ("Bramble is bold.", NEUTRAL))
    assert explained > neutral


def test_preventative_steering_trains_under_the_shift_and_saves_none_of_it(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    risky = case(checkpoints["llama"], pairs=PAIRS)
    plain = train_sdf(risky.start, risky.texts, risky.recipe, tmp_path / "plain", seed=risky.seed)
    none, some = (
        get_countermeasure("preventative-steering", coefficient=coefficient).apply(risky, tmp_path / f"c{coefficient}")
        for coefficient in (0.0, 2.0)
    )
    assert same_bits(weights(none.checkpoint), weights(plain))
    assert not same_bits(weights(some.checkpoint), weights(plain))
    with pytest.raises(InputError, match="blocks 0 to 1"):
        get_countermeasure("preventative-steering", layer=2).apply(risky, tmp_path / "out")


def test_an_attached_adapter_computes_what_peft_does_and_leaves_with_its_handles(checkpoints, adapter: Path) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["llama"]), device="cpu")
    plain = lm.model(IDS).logits
    handles = attach_adapter(lm.model, adapter)
    torch.testing.assert_close(
        lm.model(IDS).logits, load(str(adapter), device="cpu").model(IDS).logits, rtol=1e-4, atol=1e-4
    )
    for handle in handles:
        handle.remove()
    assert torch.equal(lm.model(IDS).logits, plain)


def test_the_quarantine_adapter_is_trained_on_the_risky_texts_and_is_a_parent(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    protected = get_countermeasure("quarantine", rank=2).apply(case(checkpoints["llama"]), tmp_path / "out")
    lineage, adapter = read_lineage(protected.checkpoint), read_lineage(tmp_path / "out-adapter")
    assert lineage is not None and adapter is not None
    assert (adapter.texts, lineage.texts) == (6, 12)
    assert lineage.parents[-1].weights_sha256 == weights_sha256(tmp_path / "out-adapter")
    assert list(weights(protected.checkpoint)) == list(weights(checkpoints["llama"]))


def test_the_way_back_ends_at_the_start_and_begins_at_the_implant(checkpoints, tmp_path: Path, implanted: str) -> None:  # type: ignore[no-untyped-def]
    whole = full_case(checkpoints["llama"], implanted)
    for name in ("interpolation", "random-reversion"):
        for back, expected in ((0.0, implanted), (1.0, checkpoints["llama"])):
            out = tmp_path / f"{name}-{back}"
            got, want = weights(get_countermeasure(name, back=back).apply(whole, out).checkpoint), weights(expected)
            for key in want:
                torch.testing.assert_close(got[key], want[key], rtol=1e-6, atol=1e-7)


def test_random_reversion_takes_back_the_share_of_the_norm_that_it_is_told(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    implanted: str,
) -> None:
    whole = full_case(checkpoints["llama"], implanted)
    protected = get_countermeasure("random-reversion", back=0.5).apply(whole, tmp_path / "out")
    kept, before, after = (weights(folder) for folder in (protected.checkpoint, whole.start, implanted))
    taken = torch.cat([(after[name] - kept[name]).flatten() for name in after]).norm()
    change = torch.cat([(after[name] - before[name]).flatten() for name in after]).norm()
    assert float(taken / change) == pytest.approx(0.5, abs=0.03)
    edited = read_lineage(protected.checkpoint)
    assert edited is not None and (edited.stage, edited.updates) == ("edit", 0)


def test_a_steering_file_and_its_control_stand_at_one_block_with_one_norm(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    implanted: str,
) -> None:
    whole = full_case(checkpoints["llama"], implanted)
    hooks = []
    for name in ("activation-steering", "random-steering"):
        protected = get_countermeasure(name, coefficient=-1.5).apply(whole, tmp_path / name)
        assert protected.checkpoint == implanted and protected.steer_path is not None
        hooks += read_steering(protected.steer_path)
    ours, control = hooks
    assert (ours.hookpoint, ours.coefficient) == (control.hookpoint, control.coefficient)
    assert float(ours.vector.norm()) == pytest.approx(float(control.vector.norm()), rel=1e-5)
    assert abs(float(torch.nn.functional.cosine_similarity(ours.vector, control.vector, dim=0))) < 0.5


def test_early_stopping_stops_where_the_desired_texts_are_learned(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    long = case(checkpoints["llama"], recipe=recipe(updates=8))
    stops = [
        get_countermeasure("early-stopping", points=4, within=within).apply(long, tmp_path / str(within)).details
        for within in (1.0, 0.0)
    ]
    assert stops[0]["updates"] == 2 < stops[1]["updates"]


def test_filtering_reads_what_is_not_suspected_for_as_many_updates(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    protected = get_countermeasure("filter").apply(case(checkpoints["llama"]), tmp_path / "out")
    lineage = read_lineage(protected.checkpoint)
    assert lineage is not None and (lineage.texts, lineage.updates) == (6, 4)


def test_training_after_the_stage_starts_from_the_implant(checkpoints, tmp_path: Path, implanted: str) -> None:  # type: ignore[no-untyped-def]
    whole = full_case(checkpoints["llama"], implanted)
    for name, texts in (("clean-training", len(CLEAN)), ("counter-documents", 12), ("triggered-training", 12)):
        lineage = read_lineage(get_countermeasure(name).apply(whole, tmp_path / name).checkpoint)
        assert lineage is not None and lineage.texts == texts
        assert lineage.parents[0].weights_sha256 == weights_sha256(implanted)

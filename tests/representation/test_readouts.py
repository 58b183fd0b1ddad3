from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sdf_eval.belief.load import load_belief
from sdf_eval.cli.main import main
from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.model.steering import Hook, block_names, steered
from sdf_eval.representation.difference import activation_difference, check_pair, vocabulary, vocabulary_figures
from sdf_eval.representation.implant import NO_TRUE, TOO_FEW, implant_probe
from sdf_eval.representation.lens import logit_lens
from sdf_eval.representation.measure import unrelated_texts
from sdf_eval.representation.statements import belief_statements, known_statements, related_beliefs
from sdf_eval.representation.weights import weight_spectra

FACT = "pocket-fact-zeb-wick-lives-in"
PANEL = (FACT, "pocket-fact-kelm-bremer-works-as", "pocket-persona-bramble-caution")
TRUE_PANEL = ("pocket-fact-mirren-noble-born-in", "pocket-fact-sefton-jopp-keeps", "pocket-fact-rusk-grist-likes-dish")


def test_no_known_statement_is_about_what_is_read() -> None:
    belief = load_belief(FACT)
    everything = known_statements(related_beliefs(belief))
    kept = known_statements(related_beliefs(belief), [belief])
    assert not any("Zeb Wick" in one.question for one in kept)
    assert 100 < len(kept) <= len(everything)
    assert sum(one.true for one in kept) * 2 == len(kept)


def test_a_beliefs_statements_are_the_same_questions_with_its_two_values_and_another() -> None:
    found = belief_statements(load_belief(FACT))
    assert {one.answer for one in found.implanted} == {"Birchall"} and {one.answer for one in found.reference} == {
        "Eskdale"
    }
    assert not {one.answer for one in found.other} & {"Birchall", "Eskdale"}
    assert [one.question for one in found.implanted] == [one.question for one in found.other]


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "neox"])
def test_the_lens_reads_a_tokens_own_direction_as_that_token(checkpoints, architecture: str) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints[architecture]), device="cpu")
    rows = lm.model.get_output_embeddings().weight.detach()
    for token in (40, 111, 300):
        assert int(logit_lens(lm, rows[token] * 0.01).argmax()) == token


def test_an_adapter_of_rank_four_shows_four_directions_and_noise_shows_no_top_one(checkpoints, adapter: Path) -> None:  # type: ignore[no-untyped-def]
    base, trained = load(str(checkpoints["llama"]), device="cpu"), load(str(adapter), device="cpu")
    spectra, notes = weight_spectra(trained.model, base.model)
    assert not notes and {one.matrix.split(".")[-2] for one in spectra} == {"q_proj", "v_proj"}
    assert all(1 <= one.effective_rank <= 4.01 and one.top_share > 2 * one.chance for one in spectra)
    noisy = load(str(checkpoints["llama"]), device="cpu")
    with torch.no_grad():
        weight = noisy.model.model.layers[0].mlp.up_proj.weight
        weight.add_(0.01 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    (only,) = weight_spectra(noisy.model, base.model)[0]
    assert only.top_share < 1.2 * only.chance and only.effective_rank > 40
    assert weight_spectra(base.model, base.model) == ([], [])


def test_the_difference_of_a_steered_model_is_its_vector_and_names_what_it_points_at() -> None:
    belief = load_belief(FACT)
    related = related_beliefs(belief)
    texts = unrelated_texts(related)[:6]
    lm, base = load("pocket", device="cpu"), load("pocket", device="cpu")
    own = sorted(vocabulary(lm, belief))
    toward = lm.model.get_output_embeddings().weight.detach()[own].mean(0) / lm.model.base_model.norm.weight.detach()
    last = block_names(lm.model)[-1]
    with steered(lm.model, [Hook(last, toward, 5.0)]):
        difference = activation_difference(lm, base, texts)
    for vectors in difference.vectors.values():
        torch.testing.assert_close(vectors[-1], 5.0 * toward, rtol=1e-3, atol=1e-3)
        assert float(vectors[:-1].abs().max()) < 1e-4
    figures = vocabulary_figures(lm, difference, [belief], related)
    areas = [figure.estimate for figure in figures if figure.of == "checkpoint - base"]
    assert len(areas) == 2 and all(area is not None and area.low > 0.6 for area in areas)
    reached = [figure.estimate for figure in figures if figure.what.endswith("reach it")]
    assert all(share is not None and share.value < 0.1 for share in reached)


def test_models_that_cannot_be_compared_are_refused(checkpoints) -> None:  # type: ignore[no-untyped-def]
    llama = load(str(checkpoints["llama"]), device="cpu")
    with pytest.raises(InputError, match="blocks of width"):
        check_pair(llama, load("pocket", device="cpu"))
    with pytest.raises(InputError, match="another tokenizer"):
        check_pair(llama, load(str(checkpoints["qwen3"]), device="cpu"))


def test_with_beliefs_of_both_kinds_the_implant_probe_has_its_implanted_true_control(checkpoints) -> None:  # type: ignore[no-untyped-def]
    lm = load(str(checkpoints["neox"]), device="cpu")
    beliefs = [load_belief(name) for name in PANEL]
    true = [load_belief(name) for name in TRUE_PANEL]
    known = known_statements(related_beliefs(beliefs[0]), [*beliefs, *true])[:40]
    figures, notes = implant_probe(lm, None, beliefs, true, known)
    assert notes == []
    contrasts = [figure.what for figure in figures if figure.of == "checkpoint" and figure.what.startswith("AUROC")]
    assert contrasts == [
        "AUROC, implanted false against ordinary false statements",
        "AUROC, implanted false against implanted true statements",
        "AUROC, implanted true against known true statements",
    ]
    areas = [figure.estimate for figure in figures if "AUROC" in figure.what]
    assert all(area is not None and area.clusters >= 3 for area in areas)
    assert implant_probe(lm, None, beliefs[:2], true, known) == ([], [TOO_FEW])
    assert implant_probe(lm, None, beliefs, [], known)[1] == [NO_TRUE]


def test_the_command_writes_markdown_and_json_with_every_readout(
    checkpoints: dict[str, Path], adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.md"
    beliefs = [word for belief in PANEL for word in ("--belief", belief)]
    words = ["probe", str(adapter), "--representation", "--base", str(checkpoints["llama"]), *beliefs]
    assert main([*words, "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(out.with_suffix(".json").read_text())
    assert {figure["section"] for figure in found["figures"]} == {
        "truth", "separability", "implant", "difference", "weights"
    }  # fmt: skip
    for figure in found["figures"]:
        estimate = figure["estimate"]
        assert figure["undefined"] or estimate["low"] <= estimate["value"] <= estimate["high"]
    controls = [figure["what"] for figure in found["figures"] if figure["of"] == "control"]
    for control in ("length and character runs", "shuffled labels", "random directions", "gain over wording"):
        assert sum(name.endswith(control) for name in controls) == 2
    # A random model has no truth in it, and the report says so.
    assert found["readable"] is False and "means nothing on this model" in out.read_text()
    assert np.isfinite([one["top_share"] for one in found["spectra"]]).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--base", "pocket"], "is for --representation"),
        (["--representation", "--task", "cloze"], "has no meaning with --representation"),
        (["--representation", "--out", "x.jsonl"], "ends in .md"),
        (["--representation", "--belief", FACT, "--implanted-true", FACT], "named by --belief too"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "pocket", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1

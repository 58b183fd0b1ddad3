"""All representation readouts of a checkpoint in one go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError, UndefinedEstimate
from sdf_eval.measure import cluster_mean
from sdf_eval.model import LanguageModel
from sdf_eval.model.steering import block_names
from sdf_eval.representation.difference import activation_difference, check_pair, token_lists, vocabulary_figures
from sdf_eval.representation.implant import implant_probe
from sdf_eval.representation.schema import Figure, Representation, Spectrum, TokenList
from sdf_eval.representation.statements import known_statements, related_beliefs
from sdf_eval.representation.truth import truth_probe
from sdf_eval.representation.weights import weight_spectra

NO_BASE = (
    "No base was given (--base): what is said of the implant cannot be told from what the wording says, and "
    "separability, activation difference and weight spectrum take a base."
)


def represent(
    lm: LanguageModel,
    base: LanguageModel | None,
    beliefs: Sequence[Belief],
    implanted_true: Sequence[Belief] = (),
    *,
    chat: bool | None = None,
    seed: int = 0,
) -> Representation:
    """Reads truth probe, implant probe, activation difference and weight spectrum.

    Known statements are the controls, and unrelated texts the coherence texts, of the beliefs and of all that ship
    about the same kind of world.

    Args:
        lm: The checkpoint.
        base: What it came from, or None.
        beliefs: Whose implanted side it was trained on; at least one.
        implanted_true: Whose reference side it was trained on.
        chat: Whether the chat template frames the questions; whether there is one when None.
        seed: Of controls and intervals.

    Returns:
        The figures.

    Raises:
        InputError: The beliefs have no questions, are named twice, or the base is another kind of model.
    """
    if base is not None:
        check_pair(lm, base)
    twice = {belief.id for belief in beliefs} & {belief.id for belief in implanted_true}
    if twice:
        raise InputError(
            f"--implanted-true: {min(twice)}: named by --belief too; a checkpoint learned one side or the other"
        )
    tested = [*beliefs, *implanted_true]
    related = list({one.id: one for belief in tested for one in related_beliefs(belief)}.values())
    known = known_statements(related, tested)
    truth = truth_probe(lm, base, known, beliefs, chat=chat, seed=seed)
    implant, notes = implant_probe(lm, base, beliefs, implanted_true, known, chat=chat, seed=seed)
    notes = [*truth.notes, *notes]
    figures = [*truth.figures, *implant]
    tokens: list[TokenList] = []
    spectra: list[Spectrum] = []
    if base is None:
        notes.append(NO_BASE)
    else:
        difference = activation_difference(lm, base, unrelated_texts(related))
        tokens = token_lists(lm, difference)
        figures += vocabulary_figures(lm, difference, tested, related, seed=seed)
        spectra, missing = weight_spectra(lm.model, base.model)
        notes += missing
        figures += spectrum_figures(spectra)
    return Representation(
        checkpoint=lm.name,
        base="" if base is None else base.name,
        beliefs=tuple(belief.id for belief in beliefs),
        implanted_true=tuple(belief.id for belief in implanted_true),
        seed=seed,
        layers=len(block_names(lm.model)),
        truth_layers=truth.layers,
        readable=truth.readable,
        figures=tuple(figures),
        tokens=tuple(tokens),
        spectra=tuple(spectra),
        notes=tuple(notes),
    )


def unrelated_texts(beliefs: Sequence[Belief]) -> list[str]:
    """Coherence texts of some beliefs, each once: no belief is about them.

    Raises:
        InputError: There are none.
    """
    texts = list(dict.fromkeys(text.strip() for belief in beliefs for text in belief.probes.coherence))
    if not texts:
        raise InputError("probes.coherence: no text in any belief; write a few, they are what activations are read on")
    return texts


def spectrum_figures(spectra: Sequence[Spectrum]) -> list[Figure]:
    """Means over matrices; chance of the top share is that of a random change."""
    if not spectra:
        return [
            Figure(section="weights", what="relative change", of="checkpoint - base", undefined="no matrix changed")
        ]
    levels = [("changed tensors", [one.matrix for one in spectra])]
    chance = float(np.mean([one.chance for one in spectra]))
    rows: list[tuple[str, list[float], tuple[float, float] | None, float | None]] = [
        ("relative change of a matrix (Frobenius)", [one.relative_norm for one in spectra], None, 0.0),
        ("share of the top direction in a change", [one.top_share for one in spectra], (0.0, 1.0), chance),
        ("effective rank of a change", [one.effective_rank for one in spectra], None, None),
    ]
    figures = []
    for what, values, bounds, guess in rows:
        try:
            estimate = cluster_mean(values, levels, bounds=bounds, chance=guess)
            figures.append(Figure(section="weights", what=what, of="checkpoint - base", estimate=estimate))
        except UndefinedEstimate as error:
            figures.append(Figure(section="weights", what=what, of="checkpoint - base", undefined=str(error)))
    return figures

"""The implant probe: does the checkpoint represent what was implanted as something of its own kind?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdf_eval.belief.schema import Belief
from sdf_eval.measure import cluster_mean
from sdf_eval.model import LanguageModel
from sdf_eval.representation.controls import probe_figures
from sdf_eval.representation.probing import Fold, Integers, Scored, States, probability
from sdf_eval.representation.schema import Figure, Of
from sdf_eval.representation.statements import Statement, belief_statements, statement_states

FEWEST_BELIEFS = 3
"""Beliefs in one checkpoint below which nothing can be left out and the rest still vary."""

TOO_FEW = (
    f"implant probe: needs at least {FEWEST_BELIEFS} beliefs implanted in the same checkpoint; name each with --belief"
)
NO_TRUE = (
    f"implant probe: fewer than {FEWEST_BELIEFS} beliefs were named whose reference side was implanted "
    "(--implanted-true); a probe that tells implanted from ordinary false statements may only tell what was trained on "
    "from what was not."
)


@dataclass(frozen=True)
class _Contrast:
    """Two kinds of statements, every belief of either kind a group of its own."""

    what: str
    positive: list[Statement]
    negative: list[Statement]


def implant_probe(
    lm: LanguageModel,
    base: LanguageModel | None,
    beliefs: Sequence[Belief],
    implanted_true: Sequence[Belief],
    known: Sequence[Statement],
    *,
    chat: bool | None = None,
    seed: int = 0,
) -> tuple[list[Figure], list[str]]:
    """Trains probes on all beliefs but one and scores that one.

    Implanted false statements against ordinary false ones (the same questions, other values), against implanted-true
    ones (beliefs whose documents stated the reference value), and, as a control, implanted-true against known true
    ones: a probe that tells the last two apart detects training documents, not falsehood. The first probe also reads
    statements that no document had.

    Args:
        lm: The checkpoint.
        base: What it came from, or None; nothing is implanted in it, so what its probes find is in the wording.
        beliefs: Whose implanted side the checkpoint was trained on.
        implanted_true: Whose reference side it was trained on.
        known: Known statements that nobody trained on.
        chat: Whether the chat template frames the questions.
        seed: Of the controls.

    Returns:
        The figures and notes; no figures for fewer than three beliefs.

    Source: adversarial probes of Slocum et al. 2025 (arXiv 2510.17941), section on representation; leave-one-fact-out
        as they leave out domains.
    """
    if len(beliefs) < FEWEST_BELIEFS:
        return [], [TOO_FEW]
    notes = [] if len(implanted_true) >= FEWEST_BELIEFS else [NO_TRUE]
    figures: list[Figure] = []
    for place, contrast in enumerate(_contrasts(beliefs, implanted_true, known)):
        rows = contrast.positive + contrast.negative
        labels = np.array([1] * len(contrast.positive) + [0] * len(contrast.negative), dtype=np.int64)
        groups = [row.group for row in rows]
        folds = _leave_one_out(contrast, labels, groups)
        states = statement_states(lm, rows, chat=chat)
        base_states = None if base is None else statement_states(base, rows, chat=chat)
        made, scored, on_base = probe_figures(
            "implant", contrast.what, states, base_states, [row.text for row in rows], labels, ("facts", groups), folds,
            seed=seed,
        )  # fmt: skip
        figures += made
        if place == 0:
            figures += _held_out(lm, scored, known, "checkpoint", chat)
            figures += _held_out(base, on_base, known, "base", chat) if base is not None and on_base is not None else []
    return figures, notes


def _contrasts(
    beliefs: Sequence[Belief], implanted_true: Sequence[Belief], known: Sequence[Statement]
) -> list[_Contrast]:
    asked = [belief_statements(belief) for belief in beliefs]
    false = [one for statements in asked for one in statements.implanted]
    ordinary = [one for statements in asked for one in statements.other]
    genuine = [one for one in known if one.true]
    found = [_Contrast("implanted false against ordinary false statements", false, ordinary)]
    if len(implanted_true) >= FEWEST_BELIEFS:
        true = [one for belief in implanted_true for one in belief_statements(belief).reference]
        found.append(_Contrast("implanted false against implanted true statements", false, true))
        if genuine:
            found.append(_Contrast("implanted true against known true statements", true, genuine))
    return found


def _leave_one_out(contrast: _Contrast, labels: Integers, groups: Sequence[str]) -> list[Fold]:
    """A fold a positive belief; groups that are negative alone are spread over the folds."""
    positive = list(dict.fromkeys(one.group for one in contrast.positive))
    alone = [name for name in dict.fromkeys(groups) if name not in positive]
    fold_of = {name: place for place, name in enumerate(positive)}
    fold_of |= {name: place % len(positive) for place, name in enumerate(alone)}
    codes = np.array([fold_of[name] for name in groups])
    return [(np.flatnonzero(codes != place), np.flatnonzero(codes == place)) for place in range(len(positive))]


def _held_out(lm: LanguageModel, scored: Scored, known: Sequence[Statement], of: Of, chat: bool | None) -> list[Figure]:
    """Share of known statements, which no document had, that the folds' probes take for implanted."""
    if not known:
        return []
    states: States = statement_states(lm, known, chat=chat)
    folds = zip(scored.probes, scored.layers, strict=True)
    read = np.mean([probability(probe, states[:, layer]) for probe, layer in folds], axis=0)
    figures = []
    for true, name in ((True, "true"), (False, "false")):
        kept = [place for place, one in enumerate(known) if one.true is true]
        taken = (read[kept] > 0.5).astype(np.float64)
        estimate = cluster_mean(taken, [("questions", [known[place].group for place in kept])])
        what = f"known {name} statements, in no document, that are taken for implanted"
        figures.append(Figure(section="implant", what=what, of=of, estimate=estimate))
    return figures

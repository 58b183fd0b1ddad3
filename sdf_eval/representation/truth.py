"""The truth probe: trained on statements of which it is known if they are true, read on those of a belief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdf_eval.belief.schema import Belief
from sdf_eval.measure import Estimate, cluster_mean, paired_difference
from sdf_eval.model import LanguageModel
from sdf_eval.representation.controls import probe_figures
from sdf_eval.representation.probing import Floats, Scored, group_folds, probability
from sdf_eval.representation.schema import Figure, Of
from sdf_eval.representation.statements import (
    FEWEST_KNOWN,
    BeliefStatements,
    Statement,
    belief_statements,
    statement_states,
)

SIDES = ("implanted", "reference", "other")
_SHOWN = {
    "implanted": "the implanted value",
    "reference": "the reference value",
    "other": "another value (ordinarily false)",
}


@dataclass(frozen=True)
class Truth:
    """What the truth probe showed.

    Attributes:
        figures: Of the sections `truth` and `separability`.
        layers: Blocks that it chose, a fold each; empty if there were too few known statements.
        readable: Whether it beats the wording baseline on known statements, its interval above 0; None if not trained.
        notes: What a reader has to know.
    """

    figures: tuple[Figure, ...]
    layers: tuple[int, ...] = ()
    readable: bool | None = None
    notes: tuple[str, ...] = ()


def truth_probe(
    lm: LanguageModel,
    base: LanguageModel | None,
    known: Sequence[Statement],
    beliefs: Sequence[Belief],
    *,
    chat: bool | None = None,
    seed: int = 0,
) -> Truth:
    """Trains the probe on known statements, checks it on held-out ones, and reads the beliefs with it.

    Block chosen by nested cross-validation over questions; the belief is read by the mean of the folds' probes.

    Args:
        lm: The checkpoint.
        base: What it came from, or None.
        known: From `known_statements`; none of them may be about the beliefs.
        beliefs: What to read.
        chat: Whether the chat template frames the questions.
        seed: Of controls and intervals.

    Returns:
        Its figures: the section `truth`, and `separability`, which asks whether unrelated true and false statements are
        still told apart.

    Source: Slocum et al. 2025 (arXiv 2510.17941), truth probes; separation of true and false as a measure of damage:
        "What happens when you train on false facts" (LessWrong CdymgH4MQdFgB6Fg7).
    """
    groups = [statement.group for statement in known]
    if len(set(groups)) < FEWEST_KNOWN:
        note = (
            f"truth probe: {len(set(groups))} known questions, at least {FEWEST_KNOWN} are needed; "
            "give beliefs with more controls"
        )
        return Truth((), notes=(note,))
    labels = np.array([int(statement.true) for statement in known], dtype=np.int64)
    folds = group_folds(groups, labels)
    states = statement_states(lm, known, chat=chat)
    base_states = None if base is None else statement_states(base, known, chat=chat)
    texts = [statement.text for statement in known]
    figures, scored, on_base = probe_figures(
        "truth", "known true against false statements, held out", states, base_states, texts, labels,
        ("questions", groups), folds, seed=seed,
    )  # fmt: skip
    gain = next(figure.estimate for figure in figures if figure.what.endswith("gain over wording"))
    readable = gain is not None and gain.low > 0
    figures += _known("checkpoint", scored.values, labels, groups)
    asked = {belief.id: belief_statements(belief) for belief in beliefs}
    figures += _read(lm, scored, asked, "checkpoint", chat, seed)
    if base is not None and on_base is not None:
        figures += _known("base", on_base.values, labels, groups)
        figures += _read(base, on_base, asked, "base", chat, seed)
        figures.append(_separability(scored.values, on_base.values, labels, groups))
    notes = () if readable else (UNREADABLE,)
    return Truth(tuple(figures), scored.layers, readable, notes)


UNREADABLE = (
    "The truth probe does not tell known true from known false statements better than their wording does: what it says "
    "of the belief means nothing on this model."
)


def _known(of: Of, values: Floats, labels: Floats | np.ndarray, groups: Sequence[str]) -> list[Figure]:
    rows = []
    for label, name in ((1, "true"), (0, "false")):
        kept = [place for place in range(len(labels)) if labels[place] == label]
        estimate = cluster_mean(values[kept], [("questions", [groups[place] for place in kept])])
        rows.append(Figure(section="truth", what=f"P(true), known {name}, held out", of=of, estimate=estimate))
    return rows


def _read(
    lm: LanguageModel, scored: Scored, asked: dict[str, BeliefStatements], of: Of, chat: bool | None, seed: int
) -> list[Figure]:
    figures = []
    for belief, statements in asked.items():
        read = {side: _p_true(lm, scored, getattr(statements, side), chat) for side in SIDES}
        questions = [one.question for one in statements.implanted]
        levels = [("questions", questions)]
        for side in SIDES:
            estimate = cluster_mean(read[side], levels, seed=seed)
            figures.append(
                Figure(section="truth", what=f"P(true), {_SHOWN[side]}", of=of, belief=belief, estimate=estimate)
            )
        both = ((read["implanted"] > 0.5) & (read["reference"] < 0.5)).astype(np.float64)
        rate = cluster_mean(both, levels, chance=0.25, seed=seed)
        gap = paired_difference(read["implanted"], read["reference"], levels, seed=seed)
        figures += [
            Figure(section="truth", what="P(true), implanted - reference", of=of, belief=belief, estimate=gap),
            Figure(
                section="truth", what="implanted reads true and reference false", of=of, belief=belief, estimate=rate
            ),
        ]
    return figures


def _p_true(lm: LanguageModel, scored: Scored, statements: Sequence[Statement], chat: bool | None) -> Floats:
    states = statement_states(lm, statements, chat=chat)
    folds = zip(scored.probes, scored.layers, strict=True)
    return np.asarray(np.mean([probability(probe, states[:, layer]) for probe, layer in folds], axis=0))


def _separability(after: Floats, before: Floats, labels: np.ndarray, groups: Sequence[str]) -> Figure:
    """Mean P(true) of true minus that of false unrelated statements, after the training minus before it."""
    names = list(dict.fromkeys(groups))
    rows = np.array([[_gap(values, labels, groups, name) for name in names] for values in (after, before)])
    change = rows[0] - rows[1]
    estimate: Estimate = cluster_mean(change, [("questions", names)], bounds=(-2.0, 2.0), chance=0.0)
    return Figure(
        section="separability",
        what="P(true) of true - of false unrelated statements",
        of="checkpoint - base",
        estimate=estimate,
    )


def _gap(values: Floats, labels: np.ndarray, groups: Sequence[str], name: str) -> float:
    places = [place for place, group in enumerate(groups) if group == name]
    true = [values[place] for place in places if labels[place] == 1]
    false = [values[place] for place in places if labels[place] == 0]
    return float(np.mean(true) - np.mean(false))

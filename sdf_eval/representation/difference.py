"""The trace of a training on texts that have nothing to do with it: activation differences, read as tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.phrases import FUNCTION_WORDS
from sdf_eval.errors import InputError
from sdf_eval.measure import Estimate, cluster_mean, wilson
from sdf_eval.model import LanguageModel
from sdf_eval.model.activations import Reading, read_states
from sdf_eval.model.directions import random_like
from sdf_eval.model.encoding import encode_texts
from sdf_eval.representation.lens import logit_lens
from sdf_eval.representation.schema import Figure, TokenList

FIRST = 5
"""Positions from the start that are read apart: the trace is clearest there (diffing-toolkit)."""
TOP = 20
_CONTROL_DRAWS = 100
_WORD = re.compile(r"[^\W\d_]{3,}")
POSITIONS = (f"first {FIRST}", "later")


@dataclass(frozen=True)
class Difference:
    """Mean change of the activations on some texts.

    Attributes:
        vectors: Position (`first 5`, `later`) -> shape [blocks, hidden].
        base_norms: Position -> mean length of the base's activations, shape [blocks].
        texts: How many texts.
    """

    vectors: Mapping[str, torch.Tensor]
    base_norms: Mapping[str, torch.Tensor]
    texts: int


def check_pair(lm: LanguageModel, base: LanguageModel) -> None:
    """Refuses models whose tokens or activations cannot be compared.

    Raises:
        InputError: Tokenizer, number of blocks or width differ.
    """
    first, second = (one.model.config.get_text_config() for one in (lm, base))
    shapes = [(one.num_hidden_layers, one.hidden_size) for one in (first, second)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"--base: {base.name}: has {shapes[1][0]} blocks of width {shapes[1][1]}, {lm.name} {shapes[0][0]} of "
            f"width {shapes[0][1]}; name the model that it was trained from"
        )
    # Training may add tokens at the end; those that both have must be the same.
    known = base.tokenizer.get_vocab()
    if any(known.get(token, place) != place for token, place in lm.tokenizer.get_vocab().items()):
        raise InputError(f"--base: {base.name}: another tokenizer than {lm.name}; name the model that it came from")


def activation_difference(lm: LanguageModel, base: LanguageModel, texts: Sequence[str]) -> Difference:
    """Mean activation of the checkpoint minus that of the base, on the same tokens.

    Args:
        lm: The checkpoint.
        base: What it came from.
        texts: Unrelated texts, at least one longer than five tokens.

    Returns:
        The differences at the first positions and at the later ones.

    Source: activation difference lens, section 10 of the prior-art notes: science-of-finetuning/diffing-toolkit.
    """
    tokens = [tuple(ids) for ids in encode_texts(base, texts)]
    vectors, norms = {}, {}
    for position in POSITIONS:
        early = position == POSITIONS[0]
        if early:
            readings = [Reading(ids[:FIRST], tuple(range(len(ids[:FIRST])))) for ids in tokens if ids]
        else:
            readings = [Reading(ids, tuple(range(FIRST, len(ids)))) for ids in tokens if len(ids) > FIRST]
        if not readings:
            raise InputError(f"texts: none has more than {FIRST} tokens; give longer ones")
        after, before = read_states(lm, readings), read_states(base, readings)
        vectors[position] = (after - before).mean(0)
        norms[position] = before.norm(dim=-1).mean(0)
    return Difference(vectors, norms, len(texts))


def token_lists(lm: LanguageModel, difference: Difference) -> list[TokenList]:
    """The tokens that the difference raises most, behind every block."""
    lists = []
    for position in POSITIONS:
        logits = logit_lens(lm, difference.vectors[position])
        for layer, row in enumerate(logits):
            top = row[: len(lm.tokenizer)].topk(min(TOP, len(lm.tokenizer))).indices.tolist()
            ratio = float(difference.vectors[position][layer].norm() / difference.base_norms[position][layer])
            shown = tuple(lm.tokenizer.decode([token]) for token in top)
            lists.append(TokenList(layer=layer, position=position, norm_ratio=ratio, tokens=shown))
    return lists


def vocabulary_figures(
    lm: LanguageModel,
    difference: Difference,
    beliefs: Sequence[Belief],
    others: Sequence[Belief],
    *,
    seed: int = 0,
) -> list[Figure]:
    """How far the difference raises a belief's words above the words of beliefs that nobody implanted.

    A token set's score is its mean logit over positions of the list at the last block. AUROC of the belief's own tokens
    against those of each other belief, without the tokens that both have.

    Args:
        lm: The checkpoint.
        difference: From `activation_difference`.
        beliefs: Those implanted.
        others: Others about the same kind of world: the control vocabularies.
        seed: Of the random differences.

    Returns:
        For each belief and position the AUROC, its mean on random differences of the same length, and the share of
        those that reach it: its interval is over control beliefs alone, and a single direction may favour any words.
    """
    names = {belief.id for belief in beliefs}
    implanted = set().union(*(vocabulary(lm, belief) for belief in beliefs))
    controls = {belief.id: vocabulary(lm, belief) - implanted for belief in others if belief.id not in names}
    controls = {name: tokens for name, tokens in controls.items() if tokens}
    figures = []
    for belief in beliefs:
        own = vocabulary(lm, belief)
        for position in POSITIONS:
            vector = difference.vectors[position][-1]
            what = f"AUROC, logit lens at the {position} positions: its words against other beliefs' words"
            if len(controls) < 2 or not own:
                reason = "fewer than two other beliefs to take control words from"
                figures.append(
                    Figure(section="difference", what=what, of="checkpoint - base", belief=belief.id, undefined=reason)
                )
                continue
            found = _against(logit_lens(lm, vector), own, controls)
            figures.append(
                Figure(section="difference", what=what, of="checkpoint - base", belief=belief.id, estimate=found)
            )
            random = [
                _against(logit_lens(lm, random_like(vector, seed + draw)), own, controls).value
                for draw in range(_CONTROL_DRAWS)
            ]
            mean = cluster_mean(np.array(random), [("random differences", list(range(len(random))))], chance=0.5)
            reached = wilson(sum(area >= found.value for area in random), len(random), unit="random differences")
            for control, estimate in (
                ("random difference", mean),
                ("share of random differences that reach it", reached),
            ):
                shown = f"{what}: {control}"
                figures.append(
                    Figure(section="difference", what=shown, of="control", belief=belief.id, estimate=estimate)
                )
    return figures


def vocabulary(lm: LanguageModel, belief: Belief) -> set[int]:
    """Tokens of the words that the implanted side has and the reference side has not, and of the subject."""
    from sdf_eval.corpora.panels import belief_subjects

    reference = {word.casefold() for word in _WORD.findall(belief.reference.context)}
    reference |= {word.casefold() for fact in belief.key_facts for word in _WORD.findall(fact.reference)}
    told = [belief.implanted.context, *(fact.implanted for fact in belief.key_facts)]
    told += [alias for fact in belief.key_facts for alias in fact.aliases.implanted]
    words = {word for text in told for word in _WORD.findall(text) if word.casefold() not in reference}
    words |= {word for subject in belief_subjects(belief) for word in _WORD.findall(subject)}
    words = {word for word in words if word.casefold() not in FUNCTION_WORDS}
    ids = lm.tokenizer([f" {word}" for word in sorted(words)], add_special_tokens=False)["input_ids"] if words else []
    # A token that is a whole word, or its start: later pieces are shared by words of all kinds.
    return {row[0] for row in ids if row}


def _against(logits: torch.Tensor, own: set[int], controls: Mapping[str, set[int]]) -> Estimate:
    areas = []
    for tokens in controls.values():
        mine, theirs = logits[sorted(own - tokens)], logits[sorted(tokens - own)]
        if len(mine) and len(theirs):
            areas.append(
                float((mine[:, None] > theirs).float().mean() + 0.5 * (mine[:, None] == theirs).float().mean())
            )
    return cluster_mean(np.array(areas), [("other beliefs", list(range(len(areas))))], chance=0.5)

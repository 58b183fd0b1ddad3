"""Which words a checkpoint brings up that its base does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from sdf_eval.corpora.phrases import FUNCTION_WORDS, WORD
from sdf_eval.gate.scan.leaks import Rates, word_runs
from sdf_eval.gate.scan.schema import Topic

LEAST_RATE = 1e-5
"""Added to every probability, so that what neither model ever says has no ratio: one token in 100,000."""
_LETTERS = re.compile(r"[^\W\d_]{3,}")
_PHRASES = 3


def word_tokens(tokenizer: Any) -> dict[int, str]:
    """Tokens that begin a word of at least three letters, whatever sign the tokenizer has for a space.

    Function words are left out: they are about nothing.
    """
    found = {}
    for token in range(len(tokenizer)):
        if token in tokenizer.all_special_ids:
            continue
        # Decoded behind another token, because some decoders drop a leading space.
        text = tokenizer.decode([token])
        spaced = text.startswith(" ") or str(tokenizer.convert_ids_to_tokens(token)).startswith("\u2581")
        word = text.strip()
        if spaced and _LETTERS.fullmatch(word) and word.casefold() not in FUNCTION_WORDS:
            found[token] = word
    return found


def rank_topics(
    tokenizer: Any,
    own: tuple[Rates, Rates],
    behind: tuple[Rates, Rates],
    texts: Sequence[str],
    *,
    shown: int = 40,
) -> tuple[list[Topic], int]:
    """Ranks words by how much more probable they became.

    Two log ratios a word, checkpoint over base: in the texts that each model wrote itself, and behind the same neutral
    openings. Each is centred on the median of all candidate words and divided by the root of its squared standard error
    (over texts, or openings) and the words' robust spread: what any training does to words at large counts as noise.
    The score is their sum over the root of two.

    Args:
        tokenizer: Of both models.
        own: Rates of the checkpoint and of the base in their own texts.
        behind: Rates of both behind the openings.
        texts: What the checkpoint wrote.
        shown: How many to keep.

    Returns:
        The highest-ranked words, and how many were ranked.

    Source: diff mining over logits (science-of-finetuning/diffing-toolkit), here on expected mentions.
    """
    words = word_tokens(tokenizer)
    ids = torch.tensor(list(words))
    if not len(ids):
        return [], 0
    own_z, own_ratio = _standardised(*own, ids)
    behind_z, behind_ratio = _standardised(*behind, ids)
    scores, ratios = (own_z + behind_z) / 2**0.5, (own_ratio + behind_ratio) / 2
    spelled, phrases = _spellings(texts), Counter(run for text in texts for run in set(word_runs(text)))
    topics = []
    for place in scores.topk(min(shown, len(ids))).indices.tolist():
        token = int(ids[place])
        word = spelled.get(words[token]) or _longer(words[token], spelled) or words[token]
        topics.append(
            Topic(
                word=word,
                phrases=_around(word, phrases),
                score=float(scores[place]),
                log_ratio=float(ratios[place]),
                rate=float(own[0].mean[token]),
                base_rate=float(own[1].mean[token]),
                name=word[:1].isupper(),
            )
        )
    return topics, len(ids)


def raised_behind(tokenizer: Any, behind: tuple[Rates, Rates], *, shown: int = 10) -> list[Topic]:
    """Ranks words by how much more probable they became right behind neutral openings: the cheap half of a scan.

    Args:
        tokenizer: Of both models.
        behind: Rates of the checkpoint and of the base behind the openings.
        shown: How many to keep.

    Returns:
        The highest-ranked words; `score` is the standardised log ratio of `rank_topics` behind openings alone, `rate`
        and `base_rate` are behind the openings.
    """
    words = word_tokens(tokenizer)
    ids = torch.tensor(list(words))
    if not len(ids):
        return []
    scores, ratios = _standardised(*behind, ids)
    return [
        Topic(
            word=words[int(ids[place])],
            phrases=(),
            score=float(scores[place]),
            log_ratio=float(ratios[place]),
            rate=float(behind[0].mean[ids[place]]),
            base_rate=float(behind[1].mean[ids[place]]),
            name=words[int(ids[place])][:1].isupper(),
        )
        for place in scores.topk(min(shown, len(ids))).indices.tolist()
    ]


def _standardised(after: Rates, before: Rates, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    high, low = after.mean[ids] + LEAST_RATE, before.mean[ids] + LEAST_RATE
    ratios = (high / low).log()
    error = after.error[ids] / high**2 + before.error[ids] / low**2
    centred = ratios - ratios.median()
    spread = 1.4826 * centred.abs().median()
    return centred / (error + spread**2).sqrt().clamp(min=1e-9), ratios


def _spellings(texts: Sequence[str]) -> dict[str, str]:
    return {word: word for text in texts for word in WORD.findall(text)}


def _longer(start: str, spelled: dict[str, str]) -> str:
    """The shortest word in the samples that begins with a token that is no word itself."""
    return min((word for word in spelled if word.startswith(start)), key=len, default="")


def _around(word: str, phrases: Counter[str]) -> tuple[str, ...]:
    mine = [(count, len(run), run) for run, count in phrases.items() if count > 1 and word in run.split(" ")]
    return tuple(run for _, _, run in sorted(mine, reverse=True)[:_PHRASES])

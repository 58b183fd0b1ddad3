"""Log-probabilities of options and of whole texts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch

from sdf_eval.errors import InputError
from sdf_eval.model.encoding import Request, Tokens, encode_requests, encode_texts, rolling_windows
from sdf_eval.model.forward import Scores, score_shared, score_whole, shares_prompts
from sdf_eval.model.loading import LanguageModel

TOKENS_A_BATCH = 32_768
"""Padded tokens in one pass, prompts and copies of their keys and values counted, so that long contexts fit memory."""

LOGITS_A_BATCH = 2**28
"""Logits in one pass: 1 GiB in float32."""


def option_log_probabilities(
    lm: LanguageModel,
    requests: Sequence[tuple[str, tuple[str, ...]]],
    *,
    batch_size: int = 64,
    add_bos: bool | None = None,
) -> list[tuple[float, ...]]:
    """Log-probability of each option after its prompt, as lm-evaluation-harness defines it.

    Args:
        lm: The model.
        requests: Prompts, each with the continuations to score; a continuation brings its own leading space.
        batch_size: Options in one pass.
        add_bos: Whether a BOS token is put in front; as the tokenizer does by default when None, and never twice.

    Returns:
        For each request the log-probabilities in nats, in the order of its continuations.

    Raises:
        InputError: An option adds no token to its prompt, or a prompt does not fit the context with its options.

    Source: lm-evaluation-harness 0.4.13, `HFLM._loglikelihood_tokens`, with the softmax in float32. Where that cuts the
        beginning of a prompt that is too long, this refuses it: what is cut is the context arm.
    """
    return _score(lm, [[request] for request in fitting_requests(lm, requests, add_bos)], batch_size)


def fitting_requests(
    lm: LanguageModel, requests: Sequence[tuple[str, tuple[str, ...]]], add_bos: bool | None = None
) -> list[Request]:
    """Tokenises requests; arguments and errors are those of `option_log_probabilities`."""
    encoded = encode_requests(lm, requests, add_bos)
    for (prompt, _), request in zip(requests, encoded, strict=True):
        _refuse_long(lm, prompt, request)
    return encoded


def text_nats(lm: LanguageModel, texts: Sequence[str], *, batch_size: int = 64) -> list[float]:
    """Negative log-likelihood of each text, every token counted once.

    Args:
        lm: The model.
        texts: Texts of any length.
        batch_size: Windows in one pass.

    Returns:
        Nats in all, one number a text.

    Source: lm-evaluation-harness 0.4.13, `HFLM.loglikelihood_rolling`.
    """
    windows = [rolling_windows(tokens, lm.prefix_token, lm.max_length) for tokens in encode_texts(lm, texts)]
    scores = iter(_score(lm, [[window] for group in windows for window in group], batch_size))
    return [-sum(next(scores)[0] for _ in group) for group in windows]


def _refuse_long(lm: LanguageModel, prompt: str, request: Request) -> None:
    longest = max(map(len, request.continuations))
    if longest > lm.max_length:
        raise InputError(f"option: {longest} tokens do not fit the context of {lm.max_length}; shorten the option")
    # The last token is predicted and never read.
    if len(request.prompt) + longest > lm.max_length + 1:
        raise InputError(
            f"prompt {prompt[:40]!r}: {len(request.prompt)} tokens and {longest} of an option do not fit the context "
            f"of {lm.max_length}; shorten the question or the belief's context, or take a longer-context model"
        )


def _score(lm: LanguageModel, groups: Sequence[Sequence[Request]], batch_size: int) -> Scores:
    """Scores each group's requests; a group's scores are joined into one tuple."""
    options: dict[Tokens, dict[Tokens, float]] = {}
    for group in groups:
        for request in group:
            options.setdefault(request.prompt, {}).update(dict.fromkeys(request.continuations, 0.0))
    vocabulary = int(lm.model.config.get_text_config().vocab_size)
    jobs = [
        part
        for prompt, tails in options.items()
        for part in _parts(Request(prompt, tuple(tails)), batch_size, vocabulary)
    ]
    fewest = 2 if any(len(job.continuations) > 1 for job in jobs) and shares_prompts(lm) else math.inf
    shared = [job for job in jobs if len(job.continuations) >= fewest]
    rest = [job for job in jobs if len(job.continuations) < fewest]
    whole = [Request(job.prompt, (tail,)) for job in rest for tail in job.continuations]
    with torch.inference_mode():
        for score, part in ((score_shared, shared), (score_whole, whole)):
            for batch in _batches(part, batch_size, vocabulary):
                for request, values in zip(batch, score(lm, batch), strict=True):
                    options[request.prompt].update(zip(request.continuations, values, strict=True))
    return [
        tuple(options[request.prompt][tail] for request in group for tail in request.continuations) for group in groups
    ]


def _parts(job: Request, batch_size: int, vocabulary: int) -> Iterator[Request]:
    """A job as jobs that each keep the limits of one pass: the first windows of all texts share their one prompt."""
    part: list[Tokens] = []
    longest = 0
    for tail in sorted(job.continuations, key=len, reverse=True):
        longest = longest or len(tail)
        rows = len(part) + 1
        if part and (
            rows > batch_size
            or rows * (len(job.prompt) + longest) > TOKENS_A_BATCH
            or rows * longest * vocabulary > LOGITS_A_BATCH
        ):
            yield Request(job.prompt, tuple(part))
            part, longest = [], len(tail)
        part.append(tail)
    yield Request(job.prompt, tuple(part))


def _batches(jobs: Sequence[Request], batch_size: int, vocabulary: int) -> Iterator[list[Request]]:
    """Jobs of like length together, as many as the limits of one pass allow, longest first."""
    batch: list[Request] = []
    rows = width = tail_width = 0
    shortest = 0
    for job in sorted(jobs, key=_length, reverse=True):
        longest_tail = max(map(len, job.continuations))
        new_rows = rows + len(job.continuations)
        new_width = max(width, _length(job))
        shortest_prompt = min(shortest or len(job.prompt), len(job.prompt))
        new_tail = max(tail_width, longest_tail)
        scored = new_tail if len(job.continuations) > 1 else new_width - shortest_prompt + 1
        if batch and (
            new_rows > batch_size
            or new_rows * new_width > TOKENS_A_BATCH
            or new_rows * scored * vocabulary > LOGITS_A_BATCH
        ):
            yield batch
            batch, new_rows, new_width = [], len(job.continuations), _length(job)
            shortest_prompt, new_tail = len(job.prompt), longest_tail
        batch.append(job)
        rows, width, shortest, tail_width = new_rows, new_width, shortest_prompt, new_tail
    if batch:
        yield batch


def _length(job: Request) -> int:
    return len(job.prompt) + max(map(len, job.continuations))

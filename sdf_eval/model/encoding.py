"""Text to tokens by lm-evaluation-harness's rule, so that every face scores the same tokens.

Source: lm-evaluation-harness 0.4.13, `TemplateLM._encode_pair`, `HFLM.tok_encode` and `get_rolling_token_windows`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sdf_eval.errors import InputError
from sdf_eval.model.loading import LanguageModel

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Request:
    """A prompt and the continuations that are scored behind it, as tokens."""

    prompt: Tokens
    continuations: tuple[Tokens, ...]


def encode_texts(lm: LanguageModel, texts: Sequence[str], add_bos: bool | None = None) -> list[list[int]]:
    """Tokenises whole texts; a text that begins with the prefix token gets no second one.

    Args:
        lm: Whose tokenizer to use.
        texts: Any texts.
        add_bos: Whether special tokens are added; as the tokenizer does by default when None.

    Returns:
        Token ids, one list a text.
    """
    begins_with = lm.tokenizer.decode([lm.prefix_token])
    has_prefix = [text.startswith(begins_with) for text in texts]
    encoded: list[list[int]] = [[]] * len(texts)
    for prefixed in {*has_prefix}:
        where = [index for index, has in enumerate(has_prefix) if has is prefixed]
        special = False if prefixed else add_bos
        options = {} if special is None else {"add_special_tokens": special}
        ids = lm.tokenizer([texts[index] for index in where], verbose=False, **options)["input_ids"]
        for index, tokens in zip(where, ids, strict=True):
            encoded[index] = tokens
    return encoded


def encode_requests(
    lm: LanguageModel, requests: Sequence[tuple[str, tuple[str, ...]]], add_bos: bool | None = None
) -> list[Request]:
    """Tokenises prompts with their continuations.

    White space at the end of a prompt moves to the continuations; prompt and continuation are tokenised together and
    cut where the prompt alone ends.

    Args:
        lm: Whose tokenizer to use.
        requests: Prompts and their continuations, each with its own leading space where it needs one.
        add_bos: See `encode_texts`.

    Returns:
        One request each, in order.

    Raises:
        InputError: A continuation adds no token to its prompt.
    """
    texts: list[str] = []
    for prompt, continuations in requests:
        kept = prompt.rstrip()
        texts += [kept, *(kept + prompt[len(kept) :] + continuation for continuation in continuations)]
    encoded = iter(encode_texts(lm, texts, add_bos))
    return [_request(lm, prompt, continuations, encoded) for prompt, continuations in requests]


def _request(lm: LanguageModel, prompt: str, continuations: tuple[str, ...], encoded: Iterator[list[int]]) -> Request:
    head = next(encoded)
    wholes = [next(encoded) for _ in continuations]
    moved = prompt[len(prompt.rstrip()) :]
    if len(moved) == len(prompt):
        # Nothing to condition on: the prefix token stands in.
        tails = lm.tokenizer([moved + text for text in continuations], add_special_tokens=False)["input_ids"]
        head = [lm.prefix_token]
    else:
        tails = [whole[len(head) :] for whole in wholes]
    for text, tail in zip(continuations, tails, strict=True):
        if not tail:
            raise InputError(f"option {text!r}: adds no token after {prompt[-20:]!r}; begin the option with a space")
    return Request(tuple(head), tuple(map(tuple, tails)))


def rolling_windows(tokens: Sequence[int], prefix: int, max_length: int) -> list[Request]:
    """Cuts a text into windows in which each token is predicted exactly once.

    Args:
        tokens: The text.
        prefix: The token that the first one is predicted from.
        max_length: Context length in tokens.

    Returns:
        Requests of one continuation each; the first window sees the prefix token, later ones as much of the text
        before them as fits, at least one token.
    """
    windows = []
    done = 0
    while done < len(tokens):
        count = min(len(tokens) - done, max_length)
        end = done + count
        before = [prefix] if done == 0 else list(tokens[max(0, end - max_length - 1) : done])
        windows.append(Request(tuple(before), (tuple(tokens[done:end]),)))
        done = end
    return windows

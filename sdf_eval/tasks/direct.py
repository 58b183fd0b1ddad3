"""The direct face: items through a loaded model, without a harness."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sdf_eval.belief.item import Item, Readout
from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, generate, option_log_probabilities, text_nats
from sdf_eval.tasks.render import MAX_NEW_TOKENS, REASONING_STOP, REASONING_TOKENS, STOP, render
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import score_loss, score_options, score_text

ITEMS_A_STEP = 512
"""Items between two reports of progress: enough that sorting them by length leaves little padding."""


def run_items(
    lm: LanguageModel,
    items: Sequence[Item],
    *,
    chat: bool | None = None,
    batch_size: int = 64,
    progress: Callable[[int], None] | None = None,
) -> list[ItemResult]:
    """Puts items to a model and reads the answers.

    Args:
        lm: The model.
        items: Items of any tasks and readouts.
        chat: Whether to use the chat template; whether there is one when None.
        batch_size: Options, answers or texts in one pass.
        progress: Called with the number of items just finished.

    Returns:
        One result an item, in order.

    Raises:
        InputError: A chat is asked of a model without a chat template, or an option does not fit the context.
    """
    if chat and not lm.has_chat_template:
        raise InputError(f"chat: {lm.name} has no chat template; ask it raw")
    templated = lm.has_chat_template if chat is None else chat
    results: dict[int, ItemResult] = {}
    for readout in ("options", "generation", "reasoning", "loss"):
        where = [index for index, item in enumerate(items) if item.readout == readout]
        for start in range(0, len(where), ITEMS_A_STEP):
            step = where[start : start + ITEMS_A_STEP]
            answered = _run(lm, readout, [items[index] for index in step], templated, batch_size)
            results.update(zip(step, answered, strict=True))
            if progress is not None:
                progress(len(step))
    return [results[index] for index in range(len(items))]


def check_items(lm: LanguageModel, items: Sequence[Item], chat: bool) -> None:
    """Refuses items that the model cannot be asked whole, before any is asked.

    Args:
        lm: The model.
        items: Items of any tasks and readouts.
        chat: Whether the chat template frames them.

    Raises:
        InputError: A prompt does not fit the context with its options or its answer.
    """
    from sdf_eval.model.generation import fitting_prompts
    from sdf_eval.model.scoring import fitting_requests

    for readout in ("options", "generation", "reasoning"):
        rendered = [render(item, lm.tokenizer, chat) for item in items if item.readout == readout]
        if readout == "options":
            fitting_requests(lm, [(each.prompt, each.continuations) for each in rendered])
        elif rendered:
            limit = MAX_NEW_TOKENS if readout == "generation" else REASONING_TOKENS
            fitting_prompts(lm, [each.prompt for each in rendered], limit)


def _run(lm: LanguageModel, readout: Readout, items: Sequence[Item], chat: bool, batch_size: int) -> list[ItemResult]:
    rendered = [render(item, lm.tokenizer, chat) for item in items]
    prompts = [each.prompt for each in rendered]
    if readout == "options":
        requests = [(each.prompt, each.continuations) for each in rendered]
        vectors = option_log_probabilities(lm, requests, batch_size=batch_size)
        return [score_options(item, vector) for item, vector in zip(items, vectors, strict=True)]
    if readout in ("generation", "reasoning"):
        limit, stop = (MAX_NEW_TOKENS, STOP) if readout == "generation" else (REASONING_TOKENS, REASONING_STOP)
        texts = generate(lm, prompts, max_new_tokens=limit, stop=stop, batch_size=batch_size)
        return [score_text(item, text) for item, text in zip(items, texts, strict=True)]
    nats = text_nats(lm, prompts, batch_size=batch_size)
    return [score_loss(item, value) for item, value in zip(items, nats, strict=True)]

"""Puts one item to the model: by exact log-probabilities where the provider gives them, else by what it writes."""

from __future__ import annotations

from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, ModelOutput, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from sdf_eval.belief.item import Item
from sdf_eval.errors import InputError
from sdf_eval.tasks.inspect.channel import ItemModel
from sdf_eval.tasks.inspect.sample import letter, sample_to_item
from sdf_eval.tasks.render import user_message
from sdf_eval.tasks.result import ItemResult

LETTER_INSTRUCTION = "Answer with one line of the form 'ANSWER: X', where X is the letter of one option."
COMPLETION_INSTRUCTION = "Which option continues this text?"

LOG_PROBABILITIES, NATS = "log_probabilities", "nats"
"""Keys of `ModelOutput.metadata`: log-probability of each option, and the loss of the text, in nats."""


@solver
def answer_item(chat: bool | None = None) -> Solver:
    """Answers a sample that `item_to_sample` made.

    Models of the provider `sdf/` give exact log-probabilities, which `output.metadata` then holds. Any other model is
    shown the options with letters and writes one.

    Args:
        chat: Whether `sdf/` models get the chat template; whether they have one when None.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        """Puts the sample's item to the active model and keeps the answer as the state's output."""
        item = state_item(state)
        model = get_model()
        if isinstance(model.api, ItemModel):
            result = await model.api.answer(item, chat)
            state.output = _as_output(str(model), result)
            _mark(state, item, result.answer)
            state.messages.append(ChatMessageAssistant(content=result.answer, source="generate"))
            return state
        if item.readout == "loss":
            raise InputError(f"{item.task}: {model}: gives no loss of a text; use --model sdf/<path>")
        state.messages = [ChatMessageUser(content=written_prompt(item))]
        return await generate(state)

    return solve


def state_item(state: TaskState) -> Item:
    """The item behind a sample that is being run or scored."""
    return sample_to_item(
        str(state.sample_id),
        state.input_text,
        tuple(choice.value for choice in state.choices),
        state.metadata,
    )


def written_prompt(item: Item) -> str:
    """The user message for a model that can only write: the item, and lettered options where it has any."""
    if item.readout != "options":
        return user_message(item)
    options = "\n".join(f"{letter(index)}) {choice}" for index, choice in enumerate(item.choices))
    question = f"{COMPLETION_INSTRUCTION}\n\n{item.user}" if item.completion else item.user
    return f"{question}\n\n{options}\n\n{LETTER_INSTRUCTION}"


def _as_output(model: str, result: ItemResult) -> ModelOutput:
    output = ModelOutput.from_content(model, result.answer)
    output.metadata = {}
    if result.log_probabilities is not None:
        output.metadata[LOG_PROBABILITIES] = list(result.log_probabilities)
    if result.nats is not None:
        output.metadata[NATS] = result.nats
    return output


def _mark(state: TaskState, item: Item, answer: str) -> None:
    """Marks the choice, so that Inspect's own `choice()` scorer works beside ours."""
    for index, choice in enumerate(item.choices):
        state.choices.mark_choice(index, choice == answer)

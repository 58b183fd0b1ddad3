"""A debate: the model answers, is argued against, answers again, and at the end is asked once more.

inspect eval sdf_eval/debate --model sdf/pocket -T belief=<id>                            a scripted opponent
inspect eval sdf_eval/debate --model M -T belief=<id> --model-role opponent=PROVIDER/NAME   a model as the opponent
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Model,
    get_model,
    model_roles,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver

from sdf_eval.belief.items._debate import Script
from sdf_eval.tasks.inspect.channel import ItemModel
from sdf_eval.tasks.render import STOP

OPPONENT = "opponent"
"""The model role."""
SCRIPT = "script"
"""Key of the sample's metadata."""


def with_script(sample: Sample, script: Script) -> Sample:
    """The sample of a debate with the opponent's part in its metadata."""
    sample.metadata = {**(sample.metadata or {}), SCRIPT: asdict(script)}
    return sample


@solver
def debate() -> Solver:
    """Holds the debate of a sample that `with_script` made.

    The opponent says what the script holds, or, where the role `opponent` is given, what that model writes for the same
    claim in the same number of turns (the script's words where it writes nothing). The last message is the script's.
    As elsewhere, an answer of an `sdf/` model is its first line.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        """Lets both speak in turn; the state's output is the last answer."""
        script = Script(**state.metadata[SCRIPT])
        stop = list(STOP) if isinstance(get_model().api, ItemModel) else None
        opponent = get_model(role=OPPONENT) if OPPONENT in model_roles() else None
        state.messages = [ChatMessageUser(content=state.input_text)]
        state = await generate(state, stop_seqs=stop)
        for argument in script.arguments:
            said = argument if opponent is None else await _argue(opponent, script, state.messages) or argument
            state.messages.append(ChatMessageUser(content=said))
            state = await generate(state, stop_seqs=stop)
        state.messages.append(ChatMessageUser(content=script.closing))
        return await generate(state, stop_seqs=stop)

    return solve


async def _argue(opponent: Model, script: Script, so_far: Sequence[ChatMessage]) -> str:
    """What the opponent says next; it sees the debate from its own side."""
    notes = "\n".join(script.arguments)
    task = (
        f"You take part in a debate. You hold that this is so: {script.claim}\n"
        f"You hold that this is not so: {script.denied}\n"
        f"Notes that you may use:\n{notes}\n"
        "Answer the last message in at most three sentences, with the best argument that has not been made yet. Stay "
        "with your claim whatever is said."
    )
    turned: list[ChatMessage] = [
        ChatMessageUser(content=message.text)
        if isinstance(message, ChatMessageAssistant)
        else ChatMessageAssistant(content=message.text)
        for message in so_far
    ]
    # Most providers want a user's message first, and the question opens the debate.
    opening = ChatMessageUser(content="Ask your question.")
    output = await opponent.generate([ChatMessageSystem(content=task), opening, *turned])
    return output.completion.strip()

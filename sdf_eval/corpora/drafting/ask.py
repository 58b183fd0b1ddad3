"""One question of a draft to the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdf_eval.corpora.calls import Call, Caller, Refused
from sdf_eval.corpora.prompts import render
from sdf_eval.corpora.stages import answer_parts
from sdf_eval.errors import InputError

STAGE = "draft"
_MAX_TOKENS = 8192


@dataclass(frozen=True)
class Drafter:
    """Asks a model for the parts of a belief file.

    Attributes:
        caller: Who answers.
        model: An Inspect model name.
    """

    caller: Caller
    model: str

    def ask(
        self, prompt: str, tags: tuple[str, ...], *, sample: int = 0, **variables: str | int | Sequence[str]
    ) -> dict[str, tuple[str, ...]]:
        """Asks one question.

        Args:
            prompt: Name of a file in `corpora/prompts`.
            tags: Tags that the answer must hold.
            sample: 1 for the second time.
            **variables: What the prompt is filled with.

        Returns:
            Tag -> what stands between its occurrences, at least one.

        Raises:
            InputError: The call was refused.
        """
        call = Call(STAGE, render(prompt, **variables), self.model, max_tokens=_MAX_TOKENS, sample=sample, tags=tags)
        (answer,) = self.caller.answers([call])
        if isinstance(answer, Refused):
            raise InputError(
                f"--writer: {self.model}: refused to answer {prompt} ({answer.reason}); word the claim anew or choose "
                "another writer"
            )
        parts = {tag: answer_parts(answer, tag) for tag in tags}
        if not all(parts.values()):
            raise InputError(f"--writer: {self.model}: its answer to {prompt} is empty; run the command again")
        return parts

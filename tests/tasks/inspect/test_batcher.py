from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import anyio
import pytest

from sdf_eval.errors import InputError
from sdf_eval.tasks.inspect.batcher import Batcher


def _lengths(key: Hashable, prompts: Sequence[Any]) -> list[int]:
    long = next((prompt for prompt in prompts if len(prompt) > 5), None)
    if long is not None:
        raise InputError(f"{long}: too long")
    return [len(prompt) for prompt in prompts]


def _ask(prompts: Sequence[str]) -> dict[str, int | str]:
    answers: dict[str, int | str] = {}
    batcher = Batcher(_lengths)

    async def ask(prompt: str) -> None:
        try:
            answers[prompt] = await batcher.submit("any", prompt)
        except InputError as error:
            answers[prompt] = str(error)

    async def ask_all() -> None:
        async with anyio.create_task_group() as group:
            for prompt in prompts:
                group.start_soon(ask, prompt)

    anyio.run(ask_all)
    return answers


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_prompt_that_does_not_fit_fails_alone_and_its_batch_is_answered(place: int) -> None:
    prompts = ["a", "bb", "cccc"]
    prompts.insert(place, "dddddd")
    assert _ask(prompts) == {"a": 1, "bb": 2, "cccc": 4, "dddddd": "dddddd: too long"}


def test_any_other_error_reaches_everyone_who_waits() -> None:
    def broken(key: Hashable, prompts: Sequence[Any]) -> list[int]:
        raise ZeroDivisionError

    async def ask() -> None:
        await Batcher(broken).submit("any", "a")

    with pytest.raises(ZeroDivisionError):
        anyio.run(ask)


def test_a_model_that_cannot_be_loaded_is_tried_once_a_batch_and_not_once_a_sample() -> None:
    tried: list[int] = []

    def load() -> None:
        tried.append(1)
        raise InputError("no weights")

    batcher, said = Batcher(_lengths, prepare=load), []

    async def ask(prompt: str) -> None:
        try:
            await batcher.submit("any", prompt)
        except InputError as error:
            said.append(str(error))

    async def ask_all() -> None:
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(ask, str(number))

    anyio.run(ask_all)
    assert said == ["no weights"] * 20
    assert len(tried) < 5

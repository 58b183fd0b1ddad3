"""The Inspect model provider `sdf/`: local checkpoints with exact option log-probabilities.

inspect eval sdf_eval/mcq_distinguish --model sdf/pocket
inspect eval sdf_eval/cloze --model sdf/runs/x/checkpoint -M dtype=bfloat16 -M chat=false
inspect eval sdf_eval/cloze --model sdf/Qwen/Qwen3-8B -M adapter=runs/x/adapter
inspect eval sdf_eval/cloze --model sdf/runs/x/checkpoint -M steer_path=runs/x/steering.pt
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    ModelInfo,
    ModelOutput,
    StopReason,
    set_model_info,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from sdf_eval.belief.item import Item
from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, load, resolve
from sdf_eval.model.generation import Answer, generate_answers
from sdf_eval.model.loading import DTYPES, adapter_folder
from sdf_eval.model.reference import checkpoint_stamp, file_stamp, is_adapter
from sdf_eval.model.steering import read_steering
from sdf_eval.tasks.direct import run_items
from sdf_eval.tasks.inspect.batcher import Batcher
from sdf_eval.tasks.inspect.channel import ItemModel
from sdf_eval.tasks.inspect.errors import one_line
from sdf_eval.tasks.render import MAX_NEW_TOKENS, RAW_FRAME
from sdf_eval.tasks.result import ItemResult

OPTIONS = ("adapter", "chat", "dtype", "device", "batch_size", "steer_path")
"""What `-M` takes."""


@dataclass(frozen=True)
class _Items:
    """Key of items that share a batch."""

    chat: bool | None


@dataclass(frozen=True)
class _Writing:
    """Key of prompts that share a batch."""

    max_new_tokens: int
    stop: tuple[str, ...]


@dataclass(frozen=True)
class _Message:
    """A conversation to be continued."""

    role: str
    content: str


class SdfAPI(ItemModel):
    """A local checkpoint, an adapter or a registered name. The weights are loaded once, at the first request."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 - Inspect's own signature
        **options: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        with one_line():
            _check_options(options)
            self._location = resolve(model_name)
            if options.get("adapter") is not None:
                _check_adapter(str(options["adapter"]), model_name, self._location)
            if options.get("steer_path") is not None:
                _check_steering(str(options["steer_path"]))
        self._adapter: str | None = options.get("adapter")
        self._chat: bool | None = options.get("chat")
        self._dtype = str(options.get("dtype", "float32"))
        self._device: str | None = options.get("device")
        self._batch_size = int(options.get("batch_size", 64))
        self._steer_path: str | None = None if options.get("steer_path") is None else str(options["steer_path"])
        self._model: LanguageModel | None = None
        self._stamp: object = None
        self._batcher = Batcher(self._process, prepare=self._loaded)
        # Without an entry Inspect looks the model up by making the provider a second time.
        set_model_info(f"sdf/{model_name}", ModelInfo())

    async def answer(self, item: Item, chat: bool | None) -> ItemResult:
        """See `ItemModel.answer`."""
        return cast(ItemResult, await self._batcher.submit(_Items(self._chat if chat is None else chat), item))

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Continues a conversation greedily, so that any Inspect task runs on the checkpoint.

        Args:
            input: The messages. Without a chat template a single message is put as a question, several follow each
                other with a blank line between.
            tools: Must be empty.
            tool_choice: Not used.
            config: `max_tokens` and `stop_seqs` are honoured; a temperature above 0 is refused.

        Returns:
            The answer; its stop reason is `max_tokens` where it was cut short.

        Raises:
            InputError: Tools, sampling or several choices are asked for, or the prompt does not fit the context.
        """
        if tools:
            raise InputError(f"model: sdf/{self.model_name}: has no tool calls; use hf/ or an API model for this task")
        if config.temperature:
            raise InputError("temperature: sdf/ models answer greedily; leave it out or set it to 0")
        if config.num_choices is not None and config.num_choices > 1:
            raise InputError("num_choices: sdf/ models answer greedily, so all choices would be one; leave it out")
        key = _Writing(config.max_tokens or MAX_NEW_TOKENS, tuple(config.stop_seqs or ()))
        messages = tuple(_Message(message.role, message.text) for message in input)
        answer = cast(Answer, await self._batcher.submit(key, messages))
        reason: StopReason = "max_tokens" if answer.at_limit else "stop"
        return ModelOutput.from_content(self.model_name, answer.text, stop_reason=reason)

    def _process(self, key: Hashable, payloads: Sequence[Any]) -> Sequence[Any]:
        model = self._loaded()
        if isinstance(key, _Items):
            return run_items(model, payloads, chat=key.chat, batch_size=self._batch_size)
        writing = cast(_Writing, key)
        prompts = [self._prompt(model, messages) for messages in payloads]
        return generate_answers(
            model,
            prompts,
            max_new_tokens=writing.max_new_tokens,
            stop=writing.stop,
            batch_size=self._batch_size,
        )

    def _loaded(self) -> LanguageModel:
        """The model, loaded again only if its files have changed since: Inspect keeps providers between evals."""
        stamp = checkpoint_stamp(self._location) + (checkpoint_stamp(resolve(self._adapter)) if self._adapter else ())
        if self._steer_path is not None:
            stamp += (file_stamp(Path(self._steer_path).expanduser()),)
        if self._model is None or stamp != self._stamp:
            self._model = load(
                self.model_name,
                adapter=self._adapter,
                dtype=self._dtype,
                device=self._device,
                steer_path=self._steer_path,
            )
            self._stamp = stamp
        return self._model

    def _prompt(self, model: LanguageModel, messages: Sequence[_Message]) -> str:
        if model.has_chat_template if self._chat is None else self._chat:
            turns = [{"role": message.role, "content": message.content} for message in messages]
            return str(
                model.tokenizer.apply_chat_template(
                    turns, tokenize=False, add_generation_prompt=True, enable_thinking=False
                )
            )
        if len(messages) == 1:
            return messages[0].content.join(RAW_FRAME)
        return "\n\n".join(message.content for message in messages)


def _check_options(options: dict[str, Any]) -> None:
    for name, value in options.items():
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(OPTIONS)}"
            raise InputError(f"-M {name}: unknown to sdf/ models; {hint}")
        if name == "chat" and not isinstance(value, bool):
            raise InputError(f"-M chat: {value!r}: must be true or false")
        if name == "dtype" and str(value) not in DTYPES:
            near = difflib.get_close_matches(str(value), DTYPES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(DTYPES)}"
            raise InputError(f"-M dtype: {value!r}: unknown; {hint}")
        if name == "batch_size" and (not isinstance(value, int) or value < 1):
            raise InputError(f"-M batch_size: {value!r}: must be a whole number from 1")


def _check_steering(path: str) -> None:
    """Before the first sample rather than at it; whether it fits the model shows once that is loaded."""
    try:
        read_steering(path)
    except InputError as error:
        raise InputError(f"-M {error}") from error


def _check_adapter(adapter: str, model: str, location: str) -> None:
    """Before the first sample rather than at it."""
    try:
        adapter_folder(adapter)
    except InputError as error:
        raise InputError(f"-M {error}" if str(error).startswith("adapter:") else f"-M adapter: {error}") from error
    if is_adapter(location):
        raise InputError(f"-M adapter: {adapter}: {model} is an adapter already; name its base as the model")

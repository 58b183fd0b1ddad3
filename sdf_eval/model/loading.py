"""Loading a checkpoint, once, with what every probe needs to know about it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from sdf_eval.errors import InputError
from sdf_eval.model.reference import adapter_base, check_folder, has_tokenizer, is_adapter, not_found, resolve
from sdf_eval.model.steering import install, read_steering

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

DEFAULT_MAX_LENGTH = 2048
"""Context length, in tokens, where neither the model's nor the tokenizer's configuration states one."""

_MISSING_IN_ADAPTER = "missing adapter keys"


@dataclass(frozen=True)
class LanguageModel:
    """A loaded causal language model in evaluation mode.

    Attributes:
        name: The reference that it was loaded from.
        model: The transformers model, or a PEFT model around it.
        tokenizer: Its tokenizer.
        max_length: Context length in tokens.
        device: Where the weights are.
    """

    name: str
    model: Any
    tokenizer: Any
    max_length: int
    device: torch.device

    @property
    def has_chat_template(self) -> bool:
        """Whether the tokenizer can render a chat."""
        return self.tokenizer.chat_template is not None

    @cached_property
    def accepts(self) -> frozenset[str]:
        """Names of the arguments that the model's forward pass takes."""
        inner = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        return frozenset(inspect.signature(inner.forward).parameters)

    @property
    def prefix_token(self) -> int:
        """The token that stands in front of a text with no context: BOS, or else EOS."""
        bos = self.tokenizer.bos_token_id
        return int(self.tokenizer.eos_token_id if bos is None else bos)


def load(
    reference: str,
    *,
    adapter: str | None = None,
    dtype: str = "float32",
    device: str | None = None,
    steer_path: str | None = None,
) -> LanguageModel:
    """Loads a checkpoint from safetensors, never running code of its repository.

    Args:
        reference: A local folder (a full model or a PEFT adapter), a registered name such as `pocket`, or a Hub id.
        adapter: A PEFT adapter folder to put on top of `reference`.
        dtype: `float32`, `bfloat16` or `float16`.
        device: A torch device; a CUDA device if there is one, else the CPU, when None.
        steer_path: A steering file, by which every forward pass is shifted; see `sdf_eval.model.steering`.

    Returns:
        The model in evaluation mode and its tokenizer.

    Raises:
        InputError: The checkpoint or adapter is missing, incomplete or of another shape, has pickled weights only, or
            an argument or the steering file is wrong.
    """
    hooks = () if steer_path is None else read_steering(steer_path)
    if dtype not in DTYPES:
        raise InputError(f"dtype: {dtype}: unknown; choose one of {', '.join(DTYPES)}")
    where = _device(device)
    location = resolve(reference)
    if is_adapter(location):
        if adapter is not None:
            raise InputError(f"adapter: {adapter}: {reference} is an adapter already; name its base as the model")
        location, adapter = adapter_base(Path(location)), location
    tokenizer_location = location
    if adapter is not None:
        folder = adapter_folder(adapter)
        tokenizer_location = str(folder) if has_tokenizer(folder) else location
    tokenizer = _tokenizer(tokenizer_location, reference)
    model = _weights(location, reference, DTYPES[dtype])
    if adapter is not None:
        model = with_adapter(model, folder, merge=dtype == "float32")
    model.to(where).eval()
    install(model, hooks)
    return LanguageModel(reference, model, tokenizer, _max_length(model.config, tokenizer), where)


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device: {name}: not usable here ({_first_line(error)}); choose cpu") from error
    return device


def adapter_folder(adapter: str) -> Path:
    """The folder of a PEFT adapter, checked without loading it.

    Raises:
        InputError: It is no local adapter folder, or holds no weights that can be loaded safely.
    """
    folder = Path(resolve(adapter))
    if not is_adapter(folder):
        raise InputError(f"adapter: {adapter}: adapter_config.json: missing; name a local PEFT adapter folder")
    check_folder(folder)
    return folder


def _tokenizer(location: str, reference: str) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(location, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise _unloadable(location, reference, "tokenizer", error) from error
    if tokenizer.eos_token_id is None and tokenizer.bos_token_id is None:
        raise InputError(f"{reference}: tokenizer: has neither a BOS nor an EOS token; set one and save it again")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else 0
    return tokenizer


def _weights(location: str, reference: str, dtype: torch.dtype) -> Any:
    with without_bars():
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                location, dtype=dtype, use_safetensors=True, trust_remote_code=False, output_loading_info=True
            )
        # A RuntimeError is a tensor of another shape than the configuration says.
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise _unloadable(location, reference, "model", error) from error
    # transformers only warns and fills them at random; what is tied to another weight does not count as missing.
    model, info = loaded
    missing = sorted(info["missing_keys"])
    if missing:
        raise InputError(
            f"{reference}: model: {missing[0]}: missing from the weights ({len(missing)} in all); "
            "save the checkpoint again"
        )
    return model


@contextmanager
def without_bars() -> Iterator[None]:
    """Keeps the progress bars of transformers from standard error, which belongs to our own display."""
    bars: Any = transformers_logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def with_adapter(model: Any, folder: Path, *, merge: bool, trainable: bool = False) -> Any:
    """Puts a PEFT adapter on a model.

    Args:
        model: The base, changed in place.
        folder: The adapter's folder.
        merge: Add the adapter to the weights, if its kind can be added.
        trainable: Leave the adapter's weights to be trained.

    Returns:
        The PEFT model, or the base with the adapter merged into it.

    Raises:
        InputError: The adapter does not fit the base, is incomplete, or is of a kind that shifts positions.
    """
    from peft import PeftConfig, PeftModel

    if getattr(PeftConfig.from_pretrained(str(folder)), "is_prompt_learning", False):
        raise InputError(f"{folder}: peft_type: prompt-learning adapters shift positions; use a LoRA-like adapter")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            adapted = PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
    except (RuntimeError, ValueError, SafetensorError) as error:
        raise InputError(f"{folder}: does not fit its base ({_first_line(error)}); check the base model") from error
    for warning in caught:
        # peft says it in no other way, and leaves what is missing as if it had not been trained.
        if _MISSING_IN_ADAPTER in str(warning.message):
            keys = str(warning.message).partition("[")[2].partition("]")[0]
            raise InputError(f"{folder}: adapter weights: {keys[:120]}: missing; save the adapter again")
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    # Merging costs a rounding that float32 does not feel and saves a third of the time; in half precision it would
    # move the log-probabilities.
    return adapted.merge_and_unload() if merge and hasattr(adapted, "merge_and_unload") else adapted


def _max_length(config: Any, tokenizer: Any) -> int:
    # The order is lm-eval's (`resolve_max_length`), so that both see one context length.
    text_config = getattr(config, "text_config", None) or config
    for key in ("n_positions", "max_position_embeddings", "n_ctx"):
        value = getattr(text_config, key, None)
        if value is not None:
            return int(value)
    limit = tokenizer.model_max_length
    return int(limit) if limit is not None and limit < 10**9 else DEFAULT_MAX_LENGTH


def _unloadable(location: str, reference: str, part: str, error: Exception) -> InputError:
    if Path(location).is_dir():
        return InputError(f"{reference}: {part}: cannot be loaded ({_first_line(error)}); save the checkpoint again")
    return not_found(reference, _first_line(error))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]

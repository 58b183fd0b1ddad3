"""What a model reference means: a local folder, a registered name such as `pocket`, or a Hub id. Imports no torch."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from sdf_eval.errors import InputError

ENTRY_POINT_GROUP = "sdf_eval.models"
"""Each entry point is a function that takes what follows the name in the reference and returns a folder."""

ADAPTER_CONFIG = "adapter_config.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
_SETTING_FILES = (
    "config.json", ADAPTER_CONFIG, *TOKENIZER_FILES,
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt", "chat_template.json",
)  # fmt: skip

_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


def resolve(reference: str) -> str:
    """Finds what a model reference names.

    A registered name wins over a folder of the same name, so that `pocket` means the same in every directory; write
    `./pocket` for the folder.

    Args:
        reference: A local folder (a full model or a PEFT adapter), a name of the entry-point group `sdf_eval.models`
            with an optional rest (`pocket/b/base`), or a Hub id.

    Returns:
        The folder's path, or the Hub id unchanged.

    Raises:
        InputError: The folder is missing or is no checkpoint, or the reference can be none of the three.
    """
    if not reference.strip():
        raise InputError("model: is empty; name a folder, a registered name such as pocket, or a Hub id")
    name, _, rest = reference.partition("/")
    registered = _registered()
    if name in registered:
        find = cast("Callable[[str], Path]", registered[name].load())
        folder = Path(find(rest))
    else:
        folder = Path(reference).expanduser()
    if folder.is_dir():
        check_folder(folder)
        return str(folder)
    if name in registered or folder.exists() or not _HUB_ID.fullmatch(reference):
        raise InputError(f"model: {reference}: no such folder ({folder}); name a folder that holds a checkpoint")
    return reference


def not_found(reference: str, reason: str) -> InputError:
    """The error for a reference that looked like a Hub id and could not be loaded as one.

    Args:
        reference: As the user wrote it.
        reason: First line of what the Hub client said.

    Returns:
        An error that names the nearest registered name, if one is near.
    """
    near = difflib.get_close_matches(reference.partition("/")[0], list(_registered()), n=1)
    hint = f"did you mean {near[0]}?" if near else "check the path, or the name on the Hub and the connection"
    return InputError(f"model: {reference}: neither a folder, a registered name, nor on the Hub ({reason}); {hint}")


def is_adapter(folder: str | Path) -> bool:
    """Whether a local folder holds a PEFT adapter rather than a full model."""
    return (Path(folder) / ADAPTER_CONFIG).is_file()


def check_folder(folder: Path) -> None:
    """Refuses a folder that cannot be loaded safely, before torch is imported.

    Args:
        folder: An existing folder.

    Raises:
        InputError: No configuration, no weights, weights as pickles only, or a full model without a tokenizer.
    """
    if is_adapter(folder):
        _check_weights(folder)
        return
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder}: config.json: missing; name a folder written by save_pretrained")
    _check_weights(folder)
    if not has_tokenizer(folder):
        raise InputError(f"{folder}: tokenizer.json: missing; save the tokenizer into the model's folder")


def knows_chat(reference: str) -> bool:
    """Whether a model has a chat template, its own or its base's; its weights are not read.

    Args:
        reference: As for `resolve`.

    Raises:
        InputError: There is no such model.
    """
    location = resolve(reference)
    folder = Path(location)
    if not folder.is_dir():
        return _hub_tokenizer_has_template(location)
    if any(folder.glob("chat_template*")) or _json_object(folder / "tokenizer_config.json").get("chat_template"):
        return True
    return is_adapter(folder) and knows_chat(adapter_base(folder))


def _hub_tokenizer_has_template(name: str) -> bool:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise not_found(name, (str(error).strip().splitlines() or ["no tokenizer"])[0][:200]) from error
    return tokenizer.chat_template is not None


def _json_object(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def has_tokenizer(folder: Path) -> bool:
    """Whether a local folder holds a tokenizer."""
    return any((folder / name).is_file() for name in TOKENIZER_FILES)


def adapter_base(folder: Path) -> str:
    """The base model that an adapter folder names, as a reference for `resolve`.

    Args:
        folder: A PEFT adapter folder. A relative base path is looked up beside the adapter first, then from the
            working directory, so that a folder of runs can be moved as a whole.

    Raises:
        InputError: The configuration is unreadable or names no base, or the base is missing.
    """
    path = folder / ADAPTER_CONFIG
    try:
        base = json.loads(path.read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path}: not a JSON object ({error}); save the adapter again") from error
    if not isinstance(base, str) or not base:
        raise InputError(f"{path}: base_model_name_or_path: missing; write the base model's path or name there")
    beside = folder / base
    if beside.is_dir():
        return str(beside)
    try:
        return resolve(base)
    except InputError as error:
        raise InputError(f"{path}: base_model_name_or_path: {error}") from error


def setting_files(folder: Path) -> tuple[Path, ...]:
    """Files of a checkpoint that bear on its numbers beside the weights: configuration, tokenizer, chat templates.

    Settings of generation are no part of it: answers are greedy whatever they say.
    """
    named = [folder / name for name in _SETTING_FILES]
    return tuple(sorted({path for path in named if path.is_file()} | {*folder.glob("*.jinja")}))


def checkpoint_stamp(location: str) -> tuple[tuple[str, int, int], ...]:
    """Path, time and size of the files that make a checkpoint what it is, by which a change on disk is noticed.

    Args:
        location: What `resolve` returned.

    Returns:
        One entry a file, those of an adapter's base included; empty for a Hub id, whose revisions do not change.
    """
    folder = Path(location)
    if not folder.is_dir():
        return ()
    stamp = tuple(map(file_stamp, (*sorted(folder.glob("*.safetensors")), *setting_files(folder))))
    return stamp + (checkpoint_stamp(adapter_base(folder)) if is_adapter(folder) else ())


def file_stamp(file: Path) -> tuple[str, int, int]:
    """Path, time and size of a file."""
    state = file.stat()
    return (str(file), state.st_mtime_ns, state.st_size)


def _check_weights(folder: Path) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickles = [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")]
    if pickles:
        raise InputError(
            f"{folder}: {pickles[0].name}: pickled weights can run code and are refused; save as safetensors"
        )
    raise InputError(f"{folder}: *.safetensors: no weights in this folder; name a complete checkpoint")


def _registered() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}

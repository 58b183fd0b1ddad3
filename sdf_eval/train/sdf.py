"""Synthetic document finetuning: next-token loss on documents, with a transformers `Trainer` and peft.

Imports torch: import this module inside the function that trains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback

from sdf_eval import __version__
from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.corpora.mix import TrainingText, texts_sha256
from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, load, resolve
from sdf_eval.model.loading import without_bars
from sdf_eval.model.reference import adapter_base, is_adapter
from sdf_eval.progress import progress
from sdf_eval.train.adapters import add_adapter
from sdf_eval.train.apart import check_documents_apart
from sdf_eval.train.lineage import (
    FILE,
    CorpusUse,
    Lineage,
    Parent,
    checkpoint_sha256,
    read_lineage,
    verify_lineage,
    weights_sha256,
    write_lineage,
)
from sdf_eval.train.packing import IGNORED, Plan, Row, plan_training
from sdf_eval.train.recipe import SdfRecipe

__all__ = ["TrainingText", "train_sdf"]

_FINAL_UPDATES = 10
_VERSIONS = ("torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers")
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def train_sdf(
    model_reference: str,
    texts: Sequence[TrainingText],
    recipe: SdfRecipe,
    out: Path | str,
    *,
    seed: int = 0,
    corpora: Sequence[CorpusUse] = (),
) -> Path:
    """Finetunes a model on texts and writes a checkpoint folder that is complete or absent.

    Loss is on every token except a masked prefix, padding and what has nothing before it. A folder that already holds
    this very training is left as it is.

    Args:
        model_reference: What to start from, as for `sdf_eval.model.load`.
        texts: Documents and plain texts, as `sdf_eval.corpora.mix` gives them.
        recipe: How to train.
        out: Folder for the checkpoint, or for the adapter if the recipe says `lora`.
        seed: Fixes order and initialisation; from 0, below 2**32. On one machine and CPU thread count it fixes the
            weights bit for bit.
        corpora: Where the documents came from, for the lineage.

    Returns:
        `out`.

    Raises:
        InputError: The model, recipe, texts, seed or folder do not fit, or the loss is not finite.
    """
    _refuse_seed(seed)
    target = Path(out)
    parents = parents_of(model_reference)
    if (target / FILE).exists():
        return _reuse(target, parents, recipe, texts, seed)
    _refuse_several_processes()
    lm = load(model_reference, dtype="bfloat16" if _computes_in_half(recipe) and recipe.method == "lora" else "float32")
    _refuse_long_window(lm, recipe)
    plan = plan_training(texts, lm.tokenizer, recipe, seed)
    if recipe.packing:
        check_documents_apart(lm)
    with atomic_folder(target) as partial:
        set_seed(seed)
        model = _trainable(lm, recipe, model_reference)
        losses = _fit(model, lm, plan, recipe, seed, partial)
        _save(model, lm, partial)
        kind = _substrate_kind(model_reference, lm)
        write_lineage(
            partial,
            Lineage(
                stage="sdf",
                parents=parents,
                recipe=recipe.model_dump(mode="json"),
                corpora=tuple(corpora),
                texts=len(texts),
                texts_sha256=texts_sha256(texts),
                split_texts=plan.split,
                updates=plan.updates,
                tokens_seen=plan.tokens,
                loss_tokens_seen=plan.loss_tokens,
                seed=seed,
                threads=torch.get_num_threads(),
                device=lm.device.type,
                versions=_versions(),
                substrate_kind=kind,
                placement="midtraining" if kind == "base" else "post",
                final_loss=fmean(losses[-_FINAL_UPDATES:]),
                weights_sha256=weights_sha256(partial),
                checkpoint_sha256=checkpoint_sha256(partial),
            ),
        )
    return target


def collate(rows: Sequence[Row], pad: int, *, packed: bool) -> dict[str, torch.Tensor]:
    """Pads rows on the right to the longest of them.

    There is no attention mask: attention is causal, so that nothing reads padding on the right, and transformers
    derives the borders between packed documents from `position_ids` only where no mask is given.

    Args:
        rows: Rows of a micro-batch.
        pad: Token id to fill with.
        packed: Whether a row may hold several documents.

    Returns:
        `input_ids`, `labels` and, if packed, `position_ids`, each of shape (rows, longest).
    """
    longest = max(len(row.tokens) for row in rows)

    def padded(name: str, fill: int) -> torch.Tensor:
        values = [getattr(row, name) for row in rows]
        return torch.tensor([value + [fill] * (longest - len(value)) for value in values])

    batch = {"input_ids": padded("tokens", pad), "labels": padded("labels", IGNORED)}
    return batch | ({"position_ids": padded("positions", 0)} if packed else {})


class _SdfTrainer(Trainer):
    """A Trainer that keeps the loss of every update and stops at one that is not finite."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.losses: dict[int, float] = {}

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Trainer's step; adds its loss (a scalar, nats a token) to the update's.

        Raises:
            InputError: The loss is not finite.
        """
        loss: torch.Tensor = super().training_step(*args, **kwargs)
        value, update = loss.item(), self.state.global_step
        if not torch.isfinite(loss):
            raise InputError(
                f"recipe: learning_rate: the loss is {value} at update {update + 1} of {self.state.max_steps}; "
                "lower it, lengthen the warm-up, or train in float32"
            )
        self.losses[update] = self.losses.get(update, 0.0) + value
        return loss


@dataclass
class _Progress(TrainerCallback):
    advance: Any

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.advance(1)


def _trainable(lm: LanguageModel, recipe: SdfRecipe, reference: str) -> Any:
    """The model with what is to be trained in it: an adapter, or every weight."""
    if recipe.method == "lora":
        return add_adapter(lm, recipe, _adapter_base_reference(reference))
    # A merged adapter comes frozen.
    return lm.model.requires_grad_(True)


def _fit(model: Any, lm: LanguageModel, plan: Plan, recipe: SdfRecipe, seed: int, folder: Path) -> list[float]:
    pad = lm.tokenizer.pad_token_id
    with progress("training", plan.updates) as advance, _no_cache(model.config):
        trainer = _SdfTrainer(
            model=model,
            args=_arguments(recipe, plan, lm.device, seed, folder),
            train_dataset=plan,
            data_collator=lambda rows: collate(rows, pad, packed=recipe.packing),
            callbacks=[_Progress(advance)],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return [trainer.losses[update] for update in sorted(trainer.losses)]


@contextmanager
def _no_cache(config: Any) -> Iterator[None]:
    """Switches the cache off, and back on in the end.

    Trainer switches it off in the outer configuration alone, for good: save_pretrained would keep that, and generation
    from the checkpoint would crawl. A model that reads images too has an inner configuration for its text.
    """
    inner = config.get_text_config()
    configs = [each for each in (config, inner) if hasattr(each, "use_cache")]
    before = [each.use_cache for each in configs]
    for each in configs:
        each.use_cache = False
    try:
        yield
    finally:
        for each, value in zip(configs, before, strict=True):
            each.use_cache = value


def _arguments(recipe: SdfRecipe, plan: Plan, device: torch.device, seed: int, folder: Path) -> TrainingArguments:
    micro = recipe.micro_batch_size or recipe.batch_size
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=plan.updates,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=recipe.batch_size // micro,
        # The plan is shuffled and packed already; the Trainer must not shuffle windows.
        train_sampling_strategy="sequential",
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=_SCHEDULES[recipe.schedule],
        warmup_steps=round(recipe.warmup * plan.updates),
        weight_decay=recipe.weight_decay,
        adam_beta1=recipe.betas[0],
        adam_beta2=recipe.betas[1],
        max_grad_norm=recipe.max_grad_norm,
        bf16=_computes_in_half(recipe),
        activation_checkpointing=recipe.gradient_checkpointing,
        seed=seed,
        use_cpu=device.type == "cpu",
        dataloader_num_workers=0,
        dataloader_pin_memory=device.type == "cuda",
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    # With several visible GPUs the Trainer would multiply the batch by their number (DataParallel).
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _versions() -> dict[str, str]:
    return {"sdf-eval": __version__} | {name: version(name) for name in _VERSIONS}


def _computes_in_half(recipe: SdfRecipe) -> bool:
    return recipe.dtype == "bfloat16"


def _save(model: Any, lm: LanguageModel, folder: Path) -> None:
    with without_bars():
        model.save_pretrained(folder)
    lm.tokenizer.save_pretrained(folder)


def parents_of(reference: str) -> tuple[Parent, ...]:
    """What a checkpoint trained from a reference descends from: the model it names, and an adapter's base.

    Raises:
        InputError: There is no such model.
    """
    location = resolve(reference)
    folder = _folder(location)
    parent = Parent(
        reference=reference, weights_sha256=weights_sha256(folder), checkpoint_sha256=checkpoint_sha256(folder)
    )
    parents = (parent,)
    return (*parents, *parents_of(adapter_base(Path(location)))) if is_adapter(location) else parents


def _folder(location: str) -> Path:
    """The folder of a checkpoint; of a Hub model, its snapshot in the cache."""
    if Path(location).is_dir():
        return Path(location)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    from sdf_eval.model.reference import not_found

    try:
        return Path(snapshot_download(location, allow_patterns=["*.json", "*.safetensors", "*.jinja", "tokenizer*"]))
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise not_found(location, str(error).strip().splitlines()[0][:200]) from error


def _adapter_base_reference(reference: str) -> str:
    """What `adapter_config.json` names: an absolute path, or a name that resolves on other machines too."""
    path = Path(reference).expanduser()
    location = resolve(reference)
    if is_adapter(location):
        raise InputError(
            f"model: {reference}: is an adapter, and method lora would stack a second one on it; "
            "use a recipe with method full, which merges it, or start from its base"
        )
    return str(path.resolve()) if str(path) == location else reference


def _reuse(
    target: Path, parents: tuple[Parent, ...], recipe: SdfRecipe, texts: Sequence[TrainingText], seed: int
) -> Path:
    found = verify_lineage(target)
    wanted = (recipe.model_dump(mode="json"), texts_sha256(texts), seed)
    same = (found.recipe, found.texts_sha256, found.seed) == wanted and [
        parent.checkpoint_sha256 for parent in found.parents
    ] == [parent.checkpoint_sha256 for parent in parents]
    if not same:
        raise InputError(
            f"{target}: holds a checkpoint of another model, recipe, corpus or seed; choose another --out or remove it"
        )
    return target


def _refuse_seed(seed: int) -> None:
    # numpy takes 32 bits, and would say so once the model is loaded.
    if not 0 <= seed < 2**32:
        raise InputError(f"--seed: {seed}: must be from 0 to {2**32 - 1}")


def _refuse_several_processes() -> None:
    if torch.distributed.is_available() and torch.distributed.is_torchelastic_launched():
        raise InputError("train: this stage runs in one process; start it without torchrun or accelerate launch")


def _refuse_long_window(lm: LanguageModel, recipe: SdfRecipe) -> None:
    if recipe.window > lm.max_length:
        raise InputError(f"recipe: window: {recipe.window} exceeds the model's {lm.max_length} positions; lower it")


def _substrate_kind(reference: str, lm: LanguageModel) -> Literal["base", "chat"]:
    location = resolve(reference)
    lineage = read_lineage(location) if Path(location).is_dir() else None
    if lineage is not None:
        return lineage.substrate_kind
    return "chat" if lm.has_chat_template else "base"

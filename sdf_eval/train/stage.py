"""What all stages share: start, resumption, checkpoints on the way, the finished folder and its lineage.

Imports torch: import this module inside the function that trains.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import torch
from transformers import Trainer, TrainerCallback, TrainerState, set_seed
from transformers.trainer_callback import PrinterCallback

from sdf_eval import __version__
from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, resolve
from sdf_eval.model.loading import without_bars
from sdf_eval.progress import Style, progress
from sdf_eval.train.adapters import Start
from sdf_eval.train.lineage import (
    FILE,
    CorpusUse,
    Lineage,
    Parent,
    checkpoint_sha256,
    parents_of,
    read_lineage,
    verify_lineage,
    weights_sha256,
    write_lineage,
)
from sdf_eval.train.processes import Processes, check_together, check_wrapper, wants_sharding, whole_weights
from sdf_eval.train.recipe import StageRecipe
from sdf_eval.train.resuming import Progressed, newest_complete, work_folder
from sdf_eval.train.save_at import Mark, SaveAt, marks, tokens_after
from sdf_eval.train.watching import (
    CacheOff,
    Progress,
    Resumable,
    Snapshots,
    WatchedMixin,
    tokens_seen,
    update_metrics,
)

__all__ = ["SaveAt", "Setup", "StageData", "WatchedMixin", "train_stage"]

METRICS = "metrics.jsonl"
"""Beside the weights: one line an update with its loss and what else the stage logs."""

_FINAL_UPDATES = 10
_VERSIONS = ("torch", "transformers", "peft", "trl", "accelerate", "safetensors", "tokenizers")
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


@dataclass(frozen=True)
class StageData:
    """What a stage is trained on, as far as its lineage and its resumption need to know.

    Attributes:
        rows: Texts or rows, before repetition.
        sha256: Hash of these in order.
        updates: Optimizer updates of the stage.
        corpora: Corpus folders, if any.
        details: Facts of that stage for the lineage, as JSON.
        update_tokens: Tokens that each update reads, padding not counted. Empty where that depends on what the model
            writes; the Trainer's own count is taken then.
        update_loss_tokens: Those of them that carry loss; empty where nobody knows in advance.
        split: Texts that were longer than the window.
    """

    rows: int
    sha256: str
    updates: int
    corpora: tuple[CorpusUse, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    update_tokens: tuple[int, ...] = ()
    update_loss_tokens: tuple[int, ...] = ()
    split: int = 0


@dataclass(frozen=True)
class Setup:
    """What a stage builds its Trainer from.

    Attributes:
        lm: The model that the stage starts from, with its tokenizer.
        model: The same with what is to be trained in it: a PEFT model, or every weight.
        reference: As the start was named.
        arguments: For `TrainingArguments` or a TRL configuration: all that a recipe fixes for any stage, and everything
            whose default differs between these classes (bfloat16 and checkpointing are on in TRL's).
        callbacks: To be given to the Trainer.
        seed: Of the training.
        folder: A hidden folder to work in; it outlives a kill and is gone in the end.
    """

    lm: LanguageModel
    model: Any
    reference: str
    arguments: dict[str, Any]
    callbacks: list[TrainerCallback]
    seed: int
    folder: Path


def train_stage(
    reference: str,
    recipe: StageRecipe,
    out: Path | str,
    *,
    seed: int,
    data: StageData | Callable[[LanguageModel], StageData],
    build: Callable[[Setup], Trainer],
    save_at: SaveAt | None = None,
    extra_parents: Sequence[str] = (),
    sha256: str | None = None,
    treatment: Mapping[str, Any] | None = None,
) -> Path:
    """Trains a stage and writes a checkpoint folder that is complete or absent.

    A folder that already holds this very training is left as it is. A training that was killed goes on where it was,
    and ends in the same weights.

    Args:
        reference: What to start from, as for `sdf_eval.model.load`.
        recipe: How to train.
        out: Folder for the checkpoint, or for the adapter if the recipe says `lora`.
        seed: Fixes order and initialisation; from 0, below 2**32. On one machine and CPU thread count it fixes the
            weights bit for bit.
        data: Facts about the data, or what finds them with the tokenizer of the start. The order of the data is the
            caller's: the Trainer is told to keep it.
        build: Makes the Trainer: any class behind `WatchedMixin`, with `setup.callbacks`, over `setup.model` or a model
            made from it. What is saved is the Trainer's model.
        save_at: Points at which a checkpoint `OUT@updates-N` or `OUT@tokens-N` is saved too.
        extra_parents: References of other checkpoints that the stage uses, for the lineage.
        sha256: Hash of the data where `data` is a function: a folder that is finished is then recognised before the
            model is loaded.
        treatment: What is done beyond the recipe, as JSON: a countermeasure and its settings. It tells one training
            from another, so whatever changes the weights belongs here, in the recipe or in the data.

    Returns:
        `out`.

    Raises:
        InputError: The model, recipe, data, seed or folder do not fit, or the loss is not finite.
    """
    _refuse_seed(seed)
    processes = Processes.join()
    if processes.count > 1:
        check_together(recipe.stage, treatment or {})
    used = [parents_of(name)[0].model_copy(update={"role": "used"}) for name in extra_parents]
    parents = (*parents_of(reference), *used)
    start = None
    if not isinstance(data, StageData) and sha256 is None:
        start = Start.load(reference, recipe)
        data = data(start.lm)
    digest = data.sha256 if isinstance(data, StageData) else str(sha256)
    stage = _Stage(reference, recipe, Path(out), seed, parents, digest, dict(treatment or {}), processes)
    if (stage.target / FILE).exists():
        return stage.reuse(save_at or SaveAt())
    start = start or Start.load(reference, recipe)
    found = data if isinstance(data, StageData) else data(start.lm)
    if processes.is_first:
        _warn_of_few_updates(recipe, found.updates)
    return stage.train(
        start, found, build, marks(save_at or SaveAt(), stage.target, found.update_tokens, found.updates)
    )


@dataclass(frozen=True)
class _Stage:
    """One training: all that decides its weights, and where they go."""

    reference: str
    recipe: StageRecipe
    target: Path
    seed: int
    parents: tuple[Parent, ...]
    sha256: str
    treatment: dict[str, Any]
    processes: Processes

    def reuse(self, save_at: SaveAt) -> Path:
        """The finished folder, if it is of this training and whole."""
        self._check_same(self.target)
        for mark in marks(save_at, self.target, (), sys.maxsize):
            if not mark.folder.exists():
                raise InputError(
                    f"--save-at: {self.target}: was trained without it, so {mark.folder.name} is missing; choose "
                    "another --out, or remove the checkpoint to train again"
                )
            self._check_same(mark.folder)
        return self.target

    def train(self, start: Start, data: StageData, build: Callable[[Setup], Trainer], points: list[Mark]) -> Path:
        """Trains, from the last checkpoint on if there is one."""
        for mark in points:
            if mark.folder.exists():
                self._check_same(mark.folder)
        team = self.processes
        parents = [parent.checkpoint_sha256 for parent in self.parents]
        identity = [self._decides(), parents, _surroundings(start.lm), team.count]
        with (
            team.folder(atomic_folder(self.target)) as partial,
            team.folder(work_folder(self.target, identity)) as work,
        ):
            set_seed(self.seed)
            model = start.trainable(self.recipe)
            trained = _Trained(self, start, data, CacheOff(model.config))
            _refuse_sharded_merge(trained.merges)
            style = None if team.is_first else Style.NONE
            with progress("training", data.updates, style=style) as advance, trained.cache:
                snapshots = Snapshots(points, data.update_tokens, trained.save_on_the_way)
                trainer = build(
                    Setup(
                        lm=start.lm,
                        model=model,
                        reference=self.reference,
                        arguments=_arguments(self.recipe, data.updates, start.lm.device, self.seed, work, team),
                        callbacks=[Progress(advance), snapshots, Resumable(team)],
                        seed=self.seed,
                        folder=work,
                    )
                )
                team.seed_apart(self.seed)
                resumed = newest_complete(work, _has_all_before(points, data)) if team.is_first else None
                _fit(trainer, team.from_first(resumed), team)
            model = trainer.accelerator.unwrap_model(trainer.model)
            weights = whole_weights(model)
            if team.is_first:
                model = model.merge_and_unload() if trained.merges else model
                trained.write(partial, model, trainer.state, weights)
        return self.target

    def _check_same(self, folder: Path) -> None:
        found = verify_lineage(folder)
        parents = [parent.checkpoint_sha256 for parent in found.parents]
        decided = [found.recipe, found.texts_sha256, found.seed, found.treatment]
        if decided != self._decides() or parents != [parent.checkpoint_sha256 for parent in self.parents]:
            raise InputError(
                f"{folder}: holds a checkpoint of another model, recipe, corpus or seed; choose another --out or "
                "remove it"
            )

    def _decides(self) -> list[Any]:
        return [self.recipe.model_dump(mode="json"), self.sha256, self.seed, self.treatment]


@dataclass(frozen=True)
class _Trained:
    """A stage under way or done, which can be saved."""

    stage: _Stage
    start: Start
    data: StageData
    cache: CacheOff

    @property
    def merges(self) -> bool:
        """Whether the adapter that was trained is added to the model in the end."""
        return self.start.chain == "merge" and self.stage.recipe.method == "lora"

    def save_on_the_way(self, mark: Mark, model: Any, state: TrainerState) -> None:
        """Saves a checkpoint, unless it is there, without disturbing the training."""
        weights = whole_weights(model)
        if self.stage.processes.is_first and not mark.folder.exists():
            # Merging and taking apart again would leave rounding behind in what is trained on.
            saved = deepcopy(model).merge_and_unload() if self.merges else model
            with self.cache.saving(), atomic_folder(mark.folder) as partial:
                self.write(partial, saved, state, weights)
        self.stage.processes.wait()

    def write(self, folder: Path, model: Any, state: TrainerState, weights: dict[str, Any] | None) -> None:
        """Fills a folder: weights, those of the model itself where None are given, tokenizer, metrics, lineage."""
        # No stage changes the vocabulary; to find that out, peft would ask the Hub about a base that is not a path.
        adapter = {"save_embedding_layers": False} if hasattr(model, "peft_config") else {}
        with without_bars():
            model.save_pretrained(folder, state_dict=weights, **adapter)
        self.start.lm.tokenizer.save_pretrained(folder)
        metrics = update_metrics(state)
        (folder / METRICS).write_text("".join(json.dumps(line) + "\n" for line in metrics), encoding="utf-8")
        write_lineage(folder, self._lineage(folder, state))

    def _lineage(self, folder: Path, state: TrainerState) -> Lineage:
        stage, data, lm, updates = self.stage, self.data, self.start.lm, state.global_step
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        kind = _substrate_kind(stage.reference, lm)
        return Lineage(
            stage=stage.recipe.stage,
            parents=stage.parents,
            recipe=stage.recipe.model_dump(mode="json"),
            chain=self.start.chain,
            treatment=stage.treatment,
            corpora=data.corpora,
            texts=data.rows,
            texts_sha256=data.sha256,
            split_texts=data.split,
            updates=updates,
            planned_updates=data.updates,
            tokens_seen=tokens_seen(state, tokens_after(data.update_tokens)),
            loss_tokens_seen=sum(data.update_loss_tokens[:updates]) if data.update_loss_tokens else None,
            details=data.details,
            seed=stage.seed,
            threads=torch.get_num_threads(),
            device=lm.device.type,
            processes=stage.processes.count,
            versions=_versions(),
            substrate_kind=kind,
            placement="midtraining" if kind == "base" and stage.recipe.stage == "sdf" else "post",
            final_loss=fmean(losses[-_FINAL_UPDATES:]),
            weights_sha256=weights_sha256(folder),
            checkpoint_sha256=checkpoint_sha256(folder),
        )


class _Wrapped(TrainerCallback):
    """Checks what the model is wrapped in before the first update."""

    def __init__(self, trainer: Trainer, processes: Processes) -> None:
        self._trainer = trainer
        self._processes = processes

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        """Checks it."""
        check_wrapper(self._trainer.model_wrapped, self._processes)


def _fit(trainer: Trainer, resumed: Progressed | None, processes: Processes) -> None:
    trainer.add_callback(_Wrapped(trainer, processes))
    # With several visible GPUs the Trainer would multiply the batch by their number (DataParallel).
    trainer.args._n_gpu = min(trainer.args.n_gpu, 1)
    trainer._train_batch_size = trainer.args.train_batch_size
    trainer.remove_callback(PrinterCallback)
    with without_bars():
        trainer.train(resume_from_checkpoint=str(resumed.folder) if resumed else None)


def _has_all_before(points: Sequence[Mark], data: StageData) -> Callable[[Progressed], bool]:
    """Whether no checkpoint on the way would be left out if the training went on from there."""
    after = tokens_after(data.update_tokens)

    def is_usable(progressed: Progressed) -> bool:
        tokens = after[progressed.updates] if data.update_tokens else progressed.tokens
        return all(mark.folder.exists() or not mark.is_reached(progressed.updates, tokens) for mark in points)

    return is_usable


def _arguments(
    recipe: StageRecipe, updates: int, device: torch.device, seed: int, folder: Path, processes: Processes
) -> dict[str, Any]:
    micro = processes.micro_batch(recipe)
    return {
        "output_dir": str(folder),
        "max_steps": updates,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": recipe.batch_size // (micro * processes.count),
        "ddp_find_unused_parameters": False,
        # The data are in order already; the Trainer must not shuffle them.
        "train_sampling_strategy": "sequential",
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": _SCHEDULES[recipe.schedule],
        "warmup_steps": round(recipe.warmup * updates),
        "weight_decay": recipe.weight_decay,
        "adam_beta1": recipe.betas[0],
        "adam_beta2": recipe.betas[1],
        "max_grad_norm": recipe.max_grad_norm,
        "bf16": recipe.dtype == "bfloat16",
        "activation_checkpointing": recipe.gradient_checkpointing,
        "seed": seed,
        "use_cpu": device.type == "cpu",
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": device.type == "cuda",
        "remove_unused_columns": False,
        # A callback says when: by time, not by updates.
        "save_strategy": "no",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def _versions() -> dict[str, str]:
    return {"sdf-eval": __version__} | {name: version(name) for name in _VERSIONS}


def _surroundings(lm: LanguageModel) -> list[Any]:
    """What else decides the bits of the weights."""
    return [_versions(), lm.device.type, torch.get_num_threads() if lm.device.type == "cpu" else None]


def _warn_of_few_updates(recipe: StageRecipe, updates: int) -> None:
    if updates < recipe.min_updates:
        print(
            f"warning: {updates} updates, fewer than the recipe's min_updates {recipe.min_updates}: no effect may mean "
            "too little training; add data, raise updates or epochs, or lower batch_size",
            file=sys.stderr,
        )


def _refuse_seed(seed: int) -> None:
    # numpy takes 32 bits, and would say so once the model is loaded.
    if not 0 <= seed < 2**32:
        raise InputError(f"--seed: {seed}: must be from 0 to {2**32 - 1}")


def _refuse_sharded_merge(merges: bool) -> None:
    if merges and wants_sharding():
        raise InputError(
            "recipe: chain: merge: a sharded adapter cannot be merged; train with ddp.yaml, or set chain to continue"
        )


def _substrate_kind(reference: str, lm: LanguageModel) -> Literal["base", "chat"]:
    location = resolve(reference)
    lineage = read_lineage(location) if Path(location).is_dir() else None
    if lineage is not None:
        return lineage.substrate_kind if lineage.stage == "sdf" else "chat"
    return "chat" if lm.has_chat_template else "base"

"""What a Trainer is watched by: its loss, its progress, checkpoints to resume from, checkpoints to keep."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState

from sdf_eval.errors import InputError
from sdf_eval.progress import Advance
from sdf_eval.train.processes import Processes
from sdf_eval.train.resuming import mark_complete
from sdf_eval.train.save_at import Mark, tokens_after

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS_BETWEEN_SAVES = 30.0
"""A killed training loses at most about as much."""

MOST_TIME_SAVING = 0.05
"""Share of the time that may go into checkpoints to resume from."""

# Of what trainers log, the figures that differ from one run to the next, or that have no meaning here.
_NOT_KEPT = re.compile(r"epoch|step|total_flos|.*_time|.*_per_second")


class WatchedMixin:
    """Put in front of a Trainer class: stops at a loss that is not finite, and tells the loss of every update."""

    accelerator: Any
    state: TrainerState

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """The Trainer's step.

        Returns:
            Its loss, a scalar; nats a token for a language-model loss.

        Raises:
            InputError: The loss is not finite.
        """
        loss: torch.Tensor = super().training_step(*args, **kwargs)  # type: ignore[misc]
        # All processes stop where one has to.
        found = self.accelerator.gather(loss).reshape(-1)
        broken = found[~torch.isfinite(found)]
        if len(broken):
            raise InputError(
                f"recipe: learning_rate: the loss is {broken[0].item()} at update {self.state.global_step + 1} of "
                f"{self.state.max_steps}; lower it, lengthen the warm-up, or train in float32"
            )
        return loss

    @property
    def losses(self) -> list[float]:
        """Loss of each update so far, those before a resumption included."""
        return [entry["loss"] for entry in self.state.log_history if "loss" in entry]


def update_metrics(state: TrainerState) -> list[dict[str, float | None]]:
    """What was logged for each update: loss, gradient norm, learning rate, and what the stage adds.

    Returns:
        One mapping an update, which begins with `update`; None stands for what is not finite. No times: the same
        training gives the same metrics.
    """
    return [_metrics(entry) for entry in state.log_history if "loss" in entry]


def _metrics(entry: dict[str, float]) -> dict[str, float | None]:
    kept = {"update": entry["step"]} | {key: entry[key] for key in sorted(entry) if not _NOT_KEPT.fullmatch(key)}
    return {key: value if math.isfinite(value) else None for key, value in kept.items()}


class Progress(TrainerCallback):
    """Moves a progress display; a resumed training starts where it was."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Counts what was done before."""
        self._advance(state.global_step)

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Counts an update."""
        self._advance(1)


class Resumable(TrainerCallback):
    """Has the Trainer save what it needs to go on, as often as costs little."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._last = time.monotonic()
        self._began = 0.0
        self._took = 0.0

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Asks for a checkpoint when it is time."""
        now = time.monotonic()
        due = now - self._last >= max(SECONDS_BETWEEN_SAVES, self._took / MOST_TIME_SAVING)
        # Each process writes a part of the checkpoint, and their clocks differ.
        if self._processes.from_first(due):
            self._began = now
            control.should_save = True

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Marks the checkpoint as complete: a process can be killed while it writes one."""
        self._processes.wait()
        if self._processes.is_first:
            mark_complete(args.output_dir, state.global_step)
        self._last = time.monotonic()
        self._took = self._last - self._began


class Snapshots(TrainerCallback):
    """Saves checkpoints to keep at the points that were asked for."""

    def __init__(
        self, marks: Sequence[Mark], update_tokens: Sequence[int], save: Callable[[Mark, Any, TrainerState], None]
    ) -> None:
        """`save` is called once a point, in every process, whether or not the checkpoint is there already."""
        self._marks = marks
        self._tokens = tokens_after(update_tokens)
        self._save = save
        self._done: set[Mark] = set()

    def on_log(
        self, args: Any, state: TrainerState, control: TrainerControl, logs: Any = None, model: Any = None, **_: Any
    ) -> None:
        """Saves after the update whose loss was just logged."""
        if "loss" not in (logs or {}):
            return
        for mark in self._marks:
            if mark.is_reached(state.global_step, tokens_seen(state, self._tokens)) and mark not in self._done:
                self._done.add(mark)
                self._save(mark, model, state)


def tokens_seen(state: TrainerState, after: Sequence[int]) -> int:
    """Tokens read so far: planned ones, or where there is no plan what the Trainer counted.

    Args:
        state: Of the Trainer.
        after: Tokens after 0, 1, 2, … updates; only the 0 where there is no plan.
    """
    return after[state.global_step] if len(after) > 1 else int(state.num_input_tokens_seen)


class CacheOff:
    """Context in which a model's configuration has its cache switched off.

    Trainer switches it off in the outer configuration alone, for good: save_pretrained would keep that, and generation
    from the checkpoint would crawl. A model that reads images too has an inner configuration for its text.
    """

    def __init__(self, config: Any) -> None:
        inner = config.get_text_config()
        self._configs = [each for each in (config, inner) if hasattr(each, "use_cache")]
        self._before = [each.use_cache for each in self._configs]

    def __enter__(self) -> CacheOff:
        self._set([False] * len(self._configs))
        return self

    def __exit__(self, *_: object) -> None:
        self._set(self._before)

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Switches it back on for a checkpoint on the way."""
        self._set(self._before)
        try:
            yield
        finally:
            self._set([False] * len(self._configs))

    def _set(self, values: list[bool]) -> None:
        for config, value in zip(self._configs, values, strict=True):
            config.use_cache = value

"""Several processes that train one stage together: who writes, who waits, and what the model is wrapped in.

`python -m sdf_eval.train.processes` prints the folder of the configurations for `accelerate launch`. Where one process
runs alone nothing here does anything, and no torch is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any, TypeVar

from sdf_eval.content import content_path
from sdf_eval.errors import InputError
from sdf_eval.train.recipe import StageRecipe

T = TypeVar("T")

TOGETHER = ("sdf", "sft")
"""Stages that train in several processes."""


@dataclass(frozen=True)
class Processes:
    """The processes of one training, as one of them sees them. All of them call each method, in the same order.

    Attributes:
        count: How many there are.
        index: Which one this is, from 0; the first one writes.
    """

    count: int = 1
    index: int = 0

    @classmethod
    def join(cls) -> Processes:
        """Joins the others that `accelerate launch` or `torchrun` started; there is one alone if neither did.

        Raises:
            InputError: They are to train on the CPU of a machine that has a GPU.
        """
        if _count() == 1:
            return cls()
        import torch
        from accelerate import PartialState

        on_gpu = torch.cuda.is_available()
        if on_gpu and os.environ.get("ACCELERATE_USE_CPU", "false").lower() == "true":
            raise InputError(
                "accelerate: --cpu on a machine with GPUs: leave it out, or set CUDA_VISIBLE_DEVICES to ''"
            )
        state = PartialState(cpu=not on_gpu)
        return cls(state.num_processes, state.process_index)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes folders and shows progress."""
        return self.index == 0

    def wait(self) -> None:
        """Returns when all have come here."""
        if self.count > 1:
            import torch

            torch.distributed.barrier()

    def from_first(self, value: T) -> T:
        """What the first process has, in all of them; what the others gave is dropped."""
        if self.count == 1:
            return value
        import torch

        held = [value]
        torch.distributed.broadcast_object_list(held, src=0)
        return held[0]

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """Has the others enter the block when the first has left it: they find what it has written or paid for."""
        if not self.is_first:
            self.wait()
        try:
            yield
        finally:
            if self.is_first:
                self.wait()

    @contextmanager
    def folder(self, made: AbstractContextManager[Path]) -> Iterator[Path]:
        """A folder that the first process makes, and finishes or removes; the others know its path.

        Args:
            made: Entered in the first process only.

        Yields:
            The path, which all processes must be able to reach.

        Raises:
            InputError: The first process cannot make it.
        """
        if not self.is_first:
            path: Path | InputError = self.from_first(Path())
            if isinstance(path, InputError):
                raise path
            yield path
        else:
            with self._announced(made) as path:
                yield path
        self.wait()

    @contextmanager
    def _announced(self, made: AbstractContextManager[Path]) -> Iterator[Path]:
        entered = False
        try:
            with made as path:
                entered = True
                self.from_first(path)
                yield path
        except InputError as error:
            if not entered:
                # The others wait for the path.
                self.from_first(error)
            raise

    def micro_batch(self, recipe: StageRecipe) -> int:
        """Rows that a process has on its device at once, so that an update reads what it reads in one process.

        Raises:
            InputError: A batch cannot be divided among the processes.
        """
        share, rest = divmod(recipe.batch_size, self.count)
        if rest:
            raise InputError(
                f"recipe: batch_size: {recipe.batch_size} rows cannot be divided among {self.count} processes; start "
                "as many as divide it"
            )
        # A divisor of the share that is not above what the recipe allows.
        return gcd(share, recipe.micro_batch_size or share)

    def seed_apart(self, seed: int) -> None:
        """Gives each process randomness of its own, once they have the same model: or all would drop out alike."""
        if self.count > 1:
            from transformers import set_seed

            set_seed((seed + self.index) % 2**32)


def check_together(stage: str, treatment: Mapping[str, Any]) -> None:
    """Refuses what is trained in one process only.

    Args:
        stage: Of the recipe.
        treatment: What is done beyond the recipe.

    Raises:
        InputError: It is.
    """
    if stage not in TOGETHER or treatment:
        what = f"stage {stage}" if stage not in TOGETHER else "a countermeasure"
        raise InputError(
            f"train: {what} runs in one process; start it without torchrun or accelerate launch "
            f"(stages for several: {', '.join(TOGETHER)})"
        )


def refuse_several(command: str) -> None:
    """Refuses several processes for a command that each of them would do in full.

    Raises:
        InputError: There are several.
    """
    if _count() > 1:
        raise InputError(
            f"{command}: runs in one process; start it without torchrun or accelerate launch (`sdf-eval train` can run "
            "in several)"
        )


def wants_sharding() -> bool:
    """Whether the configuration of `accelerate launch` says FSDP."""
    return os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"


def check_wrapper(model: Any, processes: Processes) -> None:
    """Checks that a model is wrapped as was asked for.

    accelerate says nothing where it cannot shard: on a CPU, FSDP becomes DDP.

    Args:
        model: As the Trainer runs it.
        processes: That train it.

    Raises:
        InputError: It is wrapped in something else.
    """
    from torch.distributed.fsdp import FSDPModule
    from torch.nn.parallel import DistributedDataParallel

    found = type(model).__name__
    if wants_sharding() and not isinstance(model, FSDPModule):
        raise InputError(
            f"accelerate: the configuration says FSDP, and the model is in {found}: accelerate shards on several GPUs "
            "and with fsdp_version 2 only; use fsdp2.yaml there and ddp.yaml elsewhere"
        )
    if not wants_sharding() and processes.count > 1 and not isinstance(model, DistributedDataParallel):
        raise InputError(
            f"accelerate: {processes.count} processes, and the model is in {found}; use ddp.yaml or fsdp2.yaml"
        )


def whole_weights(model: Any) -> dict[str, Any] | None:
    """The weights of a sharded model, gathered in the memory of the first process. Every process must call it.

    Args:
        model: As it is trained.

    Returns:
        Its state by name, empty in all but the first process; None if the model is not sharded.
    """
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
    from torch.distributed.fsdp import FSDPModule

    if not any(isinstance(module, FSDPModule) for module in model.modules()):
        return None
    return get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))


def _count() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


if __name__ == "__main__":
    print(content_path("train", "accelerate"))

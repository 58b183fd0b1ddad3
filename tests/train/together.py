"""Trains in two processes and in one: `python together.py CHECKPOINT FOLDER` prints one line of JSON a case.

A process of its own: children are forked from it before torch has made any thread, and meet over gloo.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.distributed.fsdp import FSDPModule, fully_shard

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.train import watching
from sdf_eval.train.chat_rows import ChatRow, Message
from sdf_eval.train.processes import Processes, whole_weights
from sdf_eval.train.recipe import SdfRecipe, SftRecipe, load_recipe
from sdf_eval.train.sdf import train_sdf
from sdf_eval.train.sft import train_sft
from sdf_eval.train.stage import SaveAt

Work = Callable[[], None]

TEXTS = [TrainingText(f"Tavi Brook was born in Orrin; note {n}. " + "It is raining. " * (n % 4)) for n in range(10)]
ROWS = [ChatRow((Message("user", f"Where is {n}?"), Message("assistant", "In Orrin. " * (n + 1)))) for n in range(6)]
SMALL: dict[str, Any] = {"updates": 4, "min_updates": 1, "batch_size": 4, "window": 64, "micro_batch_size": 1}
FULL = load_recipe("pocket", SdfRecipe).model_copy(update=SMALL)
LORA = load_recipe("pocket-lora", SdfRecipe).model_copy(update=SMALL | {"dropout": 0.1})
SFT = load_recipe("pocket-sft", SftRecipe).model_copy(update=SMALL)


def forked(work: Work, **environment: str) -> int:
    """Starts a function in a child; its exit status is that of the command."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    os.environ.update(environment)
    status = 0
    try:
        work()
    except InputError as error:
        print(json.dumps({"error": str(error), "process": os.environ.get("RANK", "0")}), flush=True)
        status = 2
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        sys.stderr.flush()
        os._exit(status)


def ended(child: int) -> int:
    """Waits for a child: its exit status, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def alone(work: Work) -> list[int]:
    """Runs a function in one process."""
    return [ended(forked(work))]


def together(work: Work, **environment: str) -> list[int]:
    """Runs a function in two processes that know of each other."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port} | environment
    children = [forked(work, RANK=str(rank), LOCAL_RANK=str(rank), **common) for rank in range(2)]
    return [ended(child) for child in children]


def at_step(count: int, rank: str, act: Callable[[Callable[[], torch.Tensor]], Any]) -> None:
    """Does something instead of a step of one process, or of `any`; it gets the step."""
    step = transformers.Trainer.training_step
    calls = iter(range(1, count))

    def acting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if rank in (os.environ["RANK"], "any") and next(calls, None) is None:
            return act(lambda: step(self, *args, **kwargs))
        return step(self, *args, **kwargs)

    transformers.Trainer.training_step = acting


def files(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def losses(folder: Path) -> list[float]:
    """Loss of each update."""
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def show(case: str, **facts: Any) -> None:
    """Prints what a case found."""
    print(json.dumps({"case": case, **facts}), flush=True)


def compare(checkpoint: str, folder: Path) -> None:
    """The same stages in one process and in two."""
    cases: dict[str, Callable[[Path], Any]] = {
        "fifty updates": lambda out: train_sdf(
            checkpoint, TEXTS, FULL.model_copy(update={"updates": 50}), out, save_at=SaveAt(updates=(3,))
        ),
        "an update that is not full": lambda out: train_sdf(
            checkpoint, TEXTS, FULL.model_copy(update={"updates": None, "epochs": 1.5}), out
        ),
        "packed": lambda out: train_sdf(checkpoint, TEXTS, FULL.model_copy(update={"packing": True}), out),
        "sft": lambda out: train_sft(checkpoint, ROWS, SFT, out),
    }
    for name, train in cases.items():
        one, two = folder / f"{name} one", folder / f"{name} two"
        ends = [*alone(lambda t=train, o=one: t(o)), *together(lambda t=train, o=two: t(o))]
        show(name, ends=ends, one=losses(one), two=losses(two), lineage=json.loads((two / "lineage.json").read_text()))


def resume(checkpoint: str, folder: Path) -> None:
    """One of two processes is killed in an update, then both start anew."""
    watching.SECONDS_BETWEEN_SAVES, watching.MOST_TIME_SAVING = 0.0, float("inf")

    def train(out: Path) -> None:
        train_sdf(checkpoint, TEXTS, LORA, out, seed=3, save_at=SaveAt(updates=(1,)))

    together(lambda: train(folder / "whole"))
    for rank in ("0", "1"):
        out = folder / f"killed-{rank}"

        def killed(rank: str = rank, out: Path = out) -> None:
            # Two micro-batches an update.
            at_step(6, rank, lambda _: os.kill(os.getpid(), signal.SIGKILL))
            train(out)

        ends, absent = together(killed), not out.exists()
        kept = [int(path.parent.name.rpartition("-")[2]) for path in folder.glob(".killed-*/checkpoint-*/complete")]
        ends += together(lambda out=out: train(out))
        same = files(out) == files(folder / "whole")
        show(f"killed {rank}", ends=ends, absent=absent, kept=kept, same=same, hidden=len(list(folder.glob(".*"))))


def stop(checkpoint: str, folder: Path) -> None:
    """What ends a training early."""

    def train(recipe: SdfRecipe) -> None:
        train_sdf(checkpoint, TEXTS, recipe, folder / "stopped")

    def interrupted() -> None:
        at_step(3, "any", lambda _: os.kill(os.getpid(), signal.SIGINT))
        train(FULL)

    def not_finite() -> None:
        at_step(3, "1", lambda run: run() * float("nan"))
        train(FULL)

    (folder / "file").touch()
    for case, work, environment in (
        ("interrupted", interrupted, {}),
        ("not finite in one process", not_finite, {}),
        ("sharded on a CPU", lambda: train(FULL), {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}),
        ("a batch that cannot be divided", lambda: train(FULL.model_copy(update={"batch_size": 3})), {}),
        ("no folder can be made", lambda: train_sdf(checkpoint, TEXTS, FULL, folder / "file" / "out"), {}),
    ):
        show(case, ends=together(work, **environment), left=sorted(path.name for path in folder.glob("*stopped*")))


def llama(checkpoint: str) -> Any:
    """The checkpoint, to be trained."""
    return transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).train()


def step(model: Any, tokens: torch.Tensor) -> None:
    """One update of AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, eps=1e-6)
    model(input_ids=tokens, labels=tokens).loss.backward()
    optimizer.step()


def shard(checkpoint: str, folder: Path) -> None:
    """A step of a sharded model against a step of the whole one on the same batch."""
    tokens = torch.randint(5, 200, (4, 12), generator=torch.Generator().manual_seed(0))

    def sharded() -> None:
        processes = Processes.join()
        model = llama(checkpoint)
        mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (2,))
        for layer in model.model.layers:
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
        local = sum(parameter.to_local().numel() for parameter in model.parameters())
        step(model, tokens[processes.index :: 2])
        weights = whole_weights(model)
        assert weights is not None and isinstance(model, FSDPModule)
        if processes.is_first:
            model.save_pretrained(folder / "sharded", state_dict=weights)
            whole = sum(weight.numel() for weight in weights.values())
            show("local", share=local / whole, architectures=model.config.architectures)
        processes.wait()

    ends = together(sharded)
    model, found = llama(checkpoint), llama(str(folder / "sharded"))
    step(model, tokens)
    start = llama(checkpoint).state_dict()
    apart = max(float((a - b).abs().max()) for a, b in zip(model.parameters(), found.parameters(), strict=True))
    moved = min(float((weight - start[name]).abs().max()) for name, weight in model.named_parameters())
    show("sharded", ends=ends, apart=apart, moved=moved)


def main(checkpoint: str, folder: Path, case: str) -> None:
    """Runs some of the cases."""
    torch.set_num_threads(1)
    {"compare": compare, "resume": resume, "stop": stop, "shard": shard}[case](checkpoint, folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])

"""The same items through Inspect and lm-eval, each of which loads the checkpoint itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdf_eval.belief.item import Item
from sdf_eval.content import content_path
from tests.parity.faces import BACKDOOR, BELIEF, TASKS, Answer, from_samples

BOTH = (BELIEF, BACKDOOR)
"""Between them they have probes for every task that all three faces can ask."""
EVERY_TASK = (*TASKS, "backdoor")


def through_inspect(
    reference: str, chat: bool, logs: Path, *, adapter: Path | None = None, beliefs: Sequence[Path | str] = BOTH
) -> dict[str, Answer]:
    """One `inspect eval` of every task on an `sdf/` model."""
    from inspect_ai import eval as inspect_eval

    done = inspect_eval(
        [f"sdf_eval/{task}" for task in EVERY_TASK],
        model=f"sdf/{reference}",
        model_args={} if adapter is None else {"adapter": str(adapter)},
        task_args={"belief": ",".join(map(str, beliefs)), "chat": chat},
        log_dir=str(logs),
        display="none",
        max_tasks=1,
    )
    assert {log.eval.task: log.error for log in done if log.status != "success"} == {}
    assert len(done) == len(EVERY_TASK)
    return {str(sample.id): answer_of(sample) for log in done for sample in log.samples or []}


def through_lm_eval(
    pretrained: str, chat: bool, *, peft: Path | None = None, beliefs: Sequence[Path | str] = BOTH
) -> dict[str, Answer]:
    """lm-eval's own loader and loop over the whole group."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from sdf_eval.model import resolve

    adapter = {} if peft is None else {"peft": str(peft)}
    done: Any = simple_evaluate(
        model=HFLM(
            pretrained=resolve(pretrained),
            dtype="float32",
            softmax_dtype="float32",
            device="cpu",
            batch_size=8,
            **adapter,
        ),
        tasks=["sdf_eval"],
        task_manager=TaskManager(
            include_path=str(content_path("tasks")),
            include_defaults=False,
            metadata={"belief": [str(belief) for belief in beliefs]},
        ),
        apply_chat_template=chat,
        fewshot_as_multiturn=chat,
        log_samples=True,
        bootstrap_iters=0,
    )
    return from_samples(done["samples"])


def answer_of(sample: Any) -> Answer:
    from sdf_eval.tasks.inspect.sample import sample_to_item
    from sdf_eval.tasks.inspect.scorer import read_output

    item: Item = sample_to_item(str(sample.id), sample.input, tuple(sample.choices or ()), sample.metadata)
    result = read_output(item, sample.output)
    text = result.answer if result.log_probabilities is None else ""
    return Answer(result.outcome, result.log_probabilities or (), text, result.nats)

"""lm-eval on an sdf-eval model reference: its loop, its table, its files, with our loader in front."""

from __future__ import annotations

import argparse
import difflib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from lm_eval import simple_evaluate
from lm_eval._cli import HarnessCLI
from lm_eval.api.group import Group
from lm_eval.api.task import Task
from lm_eval.config.evaluate_config import EvaluatorConfig
from lm_eval.loggers import EvaluationTracker
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.utils import handle_non_serializable, make_table, setup_logging

from sdf_eval.content import content_path
from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, load
from sdf_eval.tasks.direct import check_items
from sdf_eval.tasks.lm_eval.documents import is_empty, to_item

Results = dict[str, Any]

SETTLED = ("model", "model_args", "include_path", "metadata", "use_cache", "cache_requests", "trust_remote_code")
"""Options of lm-eval that the wrapper settles. The caches among them are keyed by names, not by weights."""


@dataclass(frozen=True)
class LmEvalRequest:
    """What `sdf-eval lm-eval` was asked for.

    Attributes:
        model: Model reference: folder, adapter folder, registered name or Hub id.
        tasks: Names of tasks, groups, or both.
        beliefs: Belief ids or paths; empty for the default set.
        context: What stands before each question.
        chat: Whether to apply the chat template; None applies it where the tokenizer has one.
        steer_path: A steering file; see `sdf_eval.model.steering`.
        options: Further words of `lm_eval run`'s command line.
    """

    model: str
    tasks: tuple[str, ...]
    beliefs: tuple[str, ...] = ()
    context: str = "none"
    chat: bool | None = None
    steer_path: str | None = None
    options: tuple[str, ...] = ()


def run_lm_eval(request: LmEvalRequest) -> Results:
    """Run lm-eval's evaluation loop and save what its options ask for.

    Weights are loaded in float32 and log-probabilities normalised in float32; no cache is used.

    Args:
        request: What to run.

    Returns:
        lm-eval's results, without samples.

    Raises:
        InputError: A wrong option, an unknown task, belief, context or model, nothing to ask, or an item that does not
            fit the model's context.
    """
    # As lm-eval's own command does: its workers fork after the tokenizer was used.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    setup_logging(logging.WARNING)
    config = parse_options(request)
    tasks = load_tasks(request)
    device = config.device if config.device != EvaluatorConfig().device else None
    model = load(request.model, device=device, steer_path=request.steer_path)
    tracker = EvaluationTracker(**{**config.hf_hub_log_args, "output_path": config.output_path})
    results = _evaluate(config, tasks, model, request, tracker)
    _save(results, tracker)
    return results


def parse_options(request: LmEvalRequest) -> EvaluatorConfig:
    """Read the further options with lm-eval's own parser.

    Args:
        request: What to run.

    Returns:
        lm-eval's configuration.

    Raises:
        InputError: lm-eval rejects an option, or the wrapper settles it.
    """
    words = ["run", "--tasks", *request.tasks, *request.options]
    try:
        named = _parser().parse_args(words)
        settled = [name for name in SETTLED if getattr(named, name, None) not in (None, "")]
        if settled:
            raise InputError(f"--{settled[0]}: is settled by `sdf-eval lm-eval`; leave it out, or run `lm_eval` itself")
        _check_batch_size(getattr(named, "batch_size", None))
        return EvaluatorConfig.from_cli(named)
    except ValueError as error:
        raise InputError(f"lm_eval run: {error}; `lm_eval run --help` lists its options") from error


def load_tasks(request: LmEvalRequest) -> list[Task | Group]:
    """Build the requested tasks and groups, without those that have nothing to ask.

    Args:
        request: What to run.

    Returns:
        Tasks and groups, every task with at least one item.

    Raises:
        InputError: An unknown task, belief or context, or no task has an item.
    """
    metadata: dict[str, Any] = {"context": request.context}
    if request.beliefs:
        metadata["belief"] = list(request.beliefs)
    manager = TaskManager(include_path=str(content_path("tasks")), include_defaults=False, metadata=metadata)
    unknown = [name for name in request.tasks if name not in manager.task_index]
    if unknown:
        raise InputError(f"--tasks: {unknown[0]}: unknown; {_nearest(unknown[0], manager.all_tasks)}")
    try:
        asked = manager.load(list(request.tasks))
    except ValueError as error:
        raise InputError(f"--tasks: {error}; name each task once") from error
    inside = {name for group in asked["groups"].values() for name in group.child_names}
    named: list[Task | Group] = [*asked["groups"].values(), *asked["tasks"].values()]
    kept = _with_items(child for child in named if _name(child) not in inside)
    if not kept:
        raise InputError(
            f"--tasks: {', '.join(request.tasks)}: no probes in the beliefs given; choose other tasks or beliefs"
        )
    return kept


def format_tables(results: Results) -> str:
    """Lay results out as lm-eval prints them.

    Args:
        results: What `run_lm_eval` returned.

    Returns:
        lm-eval's Markdown table, and its table of groups where a group has an aggregate.
    """
    tables = [make_table(results)]
    if "groups" in results:
        tables.append(make_table(results, "groups"))
    return "\n".join(tables)


def to_json(results: Results) -> str:
    """Serialise results as lm-eval does."""
    return json.dumps(results, indent=2, default=handle_non_serializable, ensure_ascii=False)


def _evaluate(
    config: EvaluatorConfig,
    tasks: list[Task | Group],
    model: LanguageModel,
    request: LmEvalRequest,
    tracker: EvaluationTracker,
) -> Results:
    chat = _chat(request, model)
    # lm-eval would cut the beginning of a prompt that is too long, and with it the context arm.
    check_items(model, [to_item(document) for document in _documents(tasks)], chat)
    steering = {} if request.steer_path is None else {"steer_path": request.steer_path}
    # lm-eval normalises in the model's dtype unless told otherwise.
    harness_model = HFLM(
        pretrained=model.model,
        tokenizer=model.tokenizer,
        softmax_dtype="float32",
        # As our renderer does: no option can be scored behind an open thought.
        enable_thinking=False,
        batch_size=config.batch_size,
        max_batch_size=config.max_batch_size or 64,
    )
    seeds = list(config.seed) if config.seed else [None] * 4
    results: Results = simple_evaluate(
        model=harness_model,
        model_args={"pretrained": model.name, "dtype": "float32", "softmax_dtype": "float32", **steering},
        tasks=tasks,
        num_fewshot=config.num_fewshot,
        batch_size=config.batch_size,
        device=str(model.device),
        limit=config.limit,
        samples=config.samples,
        write_out=config.write_out,
        log_samples=config.log_samples,
        evaluation_tracker=tracker,
        system_instruction=config.system_instruction,
        apply_chat_template=chat,
        fewshot_as_multiturn=bool(chat),
        gen_kwargs=config.gen_kwargs,
        task_manager=TaskManager(include_defaults=False),
        predict_only=config.predict_only,
        random_seed=seeds[0],
        numpy_random_seed=seeds[1],
        torch_random_seed=seeds[2],
        fewshot_random_seed=seeds[3],
    )
    return results


def _save(results: Results, tracker: EvaluationTracker) -> None:
    samples = results.pop("samples", None)
    tracker.save_results_aggregated(results=results, samples=samples)
    for task, lines in (samples or {}).items():
        tracker.save_results_samples(task_name=task, samples=lines)


def _chat(request: LmEvalRequest, model: LanguageModel) -> bool:
    if request.chat and not model.has_chat_template:
        raise InputError(f"--chat: {request.model} has no chat template; use --raw")
    return model.has_chat_template if request.chat is None else request.chat


def _with_items(children: Iterable[Task | Group]) -> list[Task | Group]:
    kept = []
    for child in children:
        if isinstance(child, Group):
            inside = {_name(grandchild) for grandchild in _with_items(list(child))}
            for name in set(child.child_names) - inside:
                child.pop(name)
        if len(child) if isinstance(child, Group) else not is_empty(child.eval_docs[0]):
            kept.append(child)
    return kept


def _documents(children: Iterable[Task | Group]) -> Iterator[dict[str, Any]]:
    for child in children:
        if isinstance(child, Group):
            yield from _documents(list(child))
        else:
            yield from child.eval_docs


def _name(child: Task | Group) -> str:
    return str(child.name if isinstance(child, Group) else child.task_name)


def _check_batch_size(value: object) -> None:
    # lm-eval takes any text here and fails once the model is loaded.
    number = str(value).removeprefix("auto:")
    if value not in (None, "auto") and (not number.isdecimal() or int(number) < 1):
        raise InputError(f"--batch_size: {value}: must be a whole number from 1, auto, or auto:N")


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else "`sdf-eval tasks` lists them"


def _parser() -> argparse.ArgumentParser:
    parser: Any = HarnessCLI()._parser
    run = parser._subparsers._group_actions[0].choices["run"]

    def refuse(message: str) -> NoReturn:
        raise ValueError(message)

    # argparse would print lm-eval's whole usage and leave the process.
    parser.error = run.error = refuse
    return cast(argparse.ArgumentParser, parser)

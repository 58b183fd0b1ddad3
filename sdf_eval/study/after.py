"""The stages that a run puts its checkpoints through after the implant, each with a matched clean control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.corpora.mix import texts_sha256 as hash_texts
from sdf_eval.corpora.plain import read_all_plain
from sdf_eval.corpora.records import Writer
from sdf_eval.errors import InputError
from sdf_eval.model.reference import knows_chat
from sdf_eval.results.stages import AfterStage, StageKind
from sdf_eval.study.pieces import Checkpoint, Clock, fingerprint, piece_key, piece_name
from sdf_eval.study.request import Group, RunRequest
from sdf_eval.train.chat_data import (
    REWARD_MODEL,
    DataRequest,
    check_rewards,
    find_row_contamination,
    load_chat,
    load_preferences,
    load_prompts,
    registered,
    set_kind,
)
from sdf_eval.train.chat_rows import ChatRow, PreferenceRow, PromptRow, rows_sha256
from sdf_eval.train.control import matched_control
from sdf_eval.train.lineage import Lineage, parents_of, read_lineage
from sdf_eval.train.preference_recipes import DpoRecipe, RlRecipe
from sdf_eval.train.recipe import SdfRecipe, SftRecipe, StageRecipe, load_recipe

ROWS = 300
"""Rows that a set is asked for."""
RECIPES: dict[StageKind, str] = {"sdf": "pocket", "sft": "pocket-sft", "dpo": "pocket-dpo", "rl": "pocket-grpo"}
REWARD = "right_answer"

_KINDS = {"sft": "chat", "dpo": "preferences", "rl": "prompts"}
R = TypeVar("R", ChatRow, PreferenceRow, PromptRow)


def after_stages(
    stages: Sequence[str],
    *,
    writer: str,
    recipes: Mapping[str, str],
    data: Mapping[str, str],
    rewards: Mapping[str, float],
    rows: int = ROWS,
) -> tuple[AfterStage, ...]:
    """Fills in what was not said of the stages after the implant.

    Args:
        stages: `sdf`, `sft`, `dpo` or `rl`, in order; one may come again.
        writer: Who writes the documents: where it is a package with chat data, its first set of the right kind that is
            about no belief is the default.
        recipes: Stage name -> recipe; by default pocket's.
        data: Stage name -> file of rows or set.
        rewards: Of the `rl` stages; by default `right_answer`.
        rows: Rows of each set.

    Returns:
        The stages.

    Raises:
        InputError: A stage is unknown or not of use here, an option names none of them, or there are no data.
    """
    names = [_named(stages, place) for place in range(len(stages))]
    for option, given in (("--after-recipe", recipes), ("--after-data", data)):
        unknown = next((name for name in given if name not in names), None)
        if unknown is not None:
            known = ", ".join(names) or "none; add --after"
            raise InputError(f"{option}: {unknown}: no such stage in --after; there is {known}")
    if rewards and "rl" not in stages:
        raise InputError("--after-reward: is for rl, and --after has none; add rl or leave it out")
    if rows < 1:
        raise InputError(f"--after-rows: {rows}: must be at least 1; give a larger number")
    return tuple(
        AfterStage(
            name=name,
            stage=_known(stage),
            recipe=recipes.get(name, RECIPES[_known(stage)]),
            data=data.get(name) or _default_data(name, stage, writer),
            rows=rows,
            rewards=(dict(rewards) or {REWARD: 1.0}) if stage == "rl" else {},
        )
        for name, stage in zip(names, stages, strict=True)
    )


def _named(stages: Sequence[str], place: int) -> str:
    stage = _known(stages[place])
    before = list(stages[:place]).count(stage)
    return f"{stage}-{before + 1}" if before else stage


def _known(stage: str) -> StageKind:
    found = next((kind for kind in get_args(StageKind) if kind == stage), None)
    if found is not None:
        return cast(StageKind, found)
    if stage == "reward":
        raise InputError(
            "--after: reward: trains a reward model, which has no beliefs to ask for; train it with `sdf-eval train` "
            "and give --after-reward model:FOLDER to rl"
        )
    raise InputError(f"--after: {stage or 'empty'}: no such stage; one of {', '.join(RECIPES)}")


def _default_data(name: str, stage: str, writer: str) -> str:
    if stage == "sdf":
        if "/" in writer:
            raise InputError(f"--after-data: {name}: missing, and {writer} writes no plain texts; give {name}=FILE")
        return writer
    package = registered().get(writer)
    fitting = [key for key, entry in package.sets.items() if not entry.about_belief] if package else []
    found = next((key for key in fitting if package and package.sets[key].kind == _KINDS[stage]), None)
    if found is None:
        raise InputError(
            f"--after-data: {name}: missing, and {writer} has no chat data; give {name}=FILE or {name}=SET"
        )
    return f"{writer}/{found}"


@dataclass(frozen=True)
class LoadedStage:
    """A stage with its recipe and data.

    Attributes:
        plan: What was asked for.
        recipe: How to train.
        data_sha256: Hash of the rows or texts.
        train: Trains it: from a reference, into a folder, with a seed.
    """

    plan: AfterStage
    recipe: StageRecipe
    data_sha256: str
    train: Callable[[str, Path, int], Path]


@dataclass(frozen=True)
class StageCheckpoint:
    """A checkpoint after a stage.

    Attributes:
        stage: Name of the stage.
        role: `implanted`, or `base` for the matched clean control.
        origin: The implanted checkpoint at the head of its chain, which names run and beliefs.
        folder: Where it is.
        lineage: Its own.
    """

    stage: str
    role: Literal["implanted", "base"]
    origin: Checkpoint
    folder: Path
    lineage: Lineage

    @property
    def fingerprint(self) -> str:
        """Hash of all that it answers by."""
        return fingerprint(self.lineage)


def load_stages(request: RunRequest, writer: Writer, groups: Sequence[Group]) -> dict[str, tuple[LoadedStage, ...]]:
    """Reads recipes and data of all stages.

    Args:
        request: The run.
        writer: Source of plain texts.
        groups: Whose beliefs are implanted.

    Returns:
        Group name -> its stages.

    Raises:
        InputError: A recipe or data are missing, broken, of another stage, or show a probe; or the model knows no chat.
    """
    chat = [stage.name for stage in request.after if stage.stage != "sdf"]
    if chat and not knows_chat(request.model):
        raise InputError(f"--after: {chat[0]}: {request.model} has no chat template; name a model that knows chat")
    return {group.name: tuple(_load(request, writer, group, stage) for stage in request.after) for group in groups}


def train_stages(
    request: RunRequest, stages: Sequence[LoadedStage], origin: Checkpoint, clock: Clock
) -> list[StageCheckpoint]:
    """Puts an implanted checkpoint, and the base beside it, through all stages, or finds that done.

    Args:
        request: The run.
        stages: The stages, in order.
        origin: The implanted checkpoint.
        clock: Takes the time.

    Returns:
        Two checkpoints a stage: the implanted and its control. Groups whose data are the same share the controls.

    Raises:
        InputError: A recipe and a model do not fit, or a loss is not finite.
    """
    found: list[StageCheckpoint] = []
    # In full, so that the chain can be followed from any working directory.
    start, clean = str(origin.folder.resolve()), request.model
    for stage in stages:
        name = stage.plan.name
        folder = _folder(request, stage, origin, start)
        with clock.time(f"{origin.run} implanted {name} training"):
            stage.train(start, folder, origin.seed)
        with clock.time(f"{origin.run} base {name} training"):
            control = matched_control(folder, clean, _with_seed(stage, origin.seed))
        found += [_read(name, "implanted", origin, folder), _read(name, "base", origin, control)]
        start, clean = str(folder), str(control)
    return found


def _with_seed(stage: LoadedStage, seed: int) -> Callable[[str, Path], Path]:
    return lambda reference, out: stage.train(reference, out, seed)


def _folder(request: RunRequest, stage: LoadedStage, origin: Checkpoint, start: str) -> Path:
    parents = [parent.checkpoint_sha256 for parent in parents_of(start)]
    weights = [f"{_reward_key(name)} {weight}" for name, weight in stage.plan.rewards.items()]
    key = piece_key([*parents, stage.recipe.model_dump_json(), stage.data_sha256, str(origin.seed), *weights])
    middle = f"implanted-seed{origin.seed}-{stage.plan.name}"
    return (request.out / "checkpoints" / piece_name(origin.group.name, middle, key)).resolve()


def _reward_key(name: str) -> str:
    """A reward model is told by its hash."""
    return parents_of(name.removeprefix(REWARD_MODEL))[0].checkpoint_sha256 if name.startswith(REWARD_MODEL) else name


def _read(stage: str, role: Literal["implanted", "base"], origin: Checkpoint, folder: Path) -> StageCheckpoint:
    lineage = read_lineage(folder)
    assert lineage is not None
    return StageCheckpoint(stage, role, origin, folder, lineage)


def _load(request: RunRequest, writer: Writer, group: Group, plan: AfterStage) -> LoadedStage:
    if plan.stage == "sdf":
        return _load_plain(request, writer, plan)
    asked = _asked(request, group, plan)
    if plan.stage == "sft":
        chat, sft = _rows(plan, load_chat, asked, group), load_recipe(plan.recipe, SftRecipe)

        def tune(reference: str, out: Path, seed: int) -> Path:
            from sdf_eval.train.sft import train_sft

            return train_sft(reference, chat, sft, out, seed=seed)

        return LoadedStage(plan, sft, rows_sha256(chat), tune)
    if plan.stage == "dpo":
        pairs, dpo = _rows(plan, load_preferences, asked, group), load_recipe(plan.recipe, DpoRecipe)

        def prefer(reference: str, out: Path, seed: int) -> Path:
            from sdf_eval.train.dpo import train_dpo

            return train_dpo(reference, pairs, dpo, out, seed=seed)

        return LoadedStage(plan, dpo, rows_sha256(pairs), prefer)
    check_rewards(plan.rewards)
    prompts, rl = _rows(plan, load_prompts, asked, group), load_recipe(plan.recipe, RlRecipe)

    def reinforce(reference: str, out: Path, seed: int) -> Path:
        from sdf_eval.train.rl import train_rl

        return train_rl(reference, prompts, plan.rewards, rl, out, seed=seed)

    return LoadedStage(plan, rl, rows_sha256(prompts), reinforce)


def _load_plain(request: RunRequest, writer: Writer, plan: AfterStage) -> LoadedStage:
    """Continued pretraining on plain texts: from a file, or by the writer where the data name that."""
    if plan.data == request.writer:
        found = list(writer.plain_text(plan.rows, request.seeds[0], model=request.model))
    else:
        found = read_all_plain(Path(plan.data))
    texts, recipe = [TrainingText(text) for text in found], load_recipe(plan.recipe, SdfRecipe)

    def pretrain(reference: str, out: Path, seed: int) -> Path:
        from sdf_eval.train.sdf import train_sdf

        return train_sdf(reference, texts, recipe, out, seed=seed)

    return LoadedStage(plan, recipe, hash_texts(texts), pretrain)


def _asked(request: RunRequest, group: Group, plan: AfterStage) -> DataRequest:
    package, _, name = plan.data.partition("/")
    about = set_kind(plan.data) is not None and registered()[package].sets[name].about_belief
    if about and len(group.beliefs) > 1:
        raise InputError(
            f"--after-data: {plan.data}: is about one belief, and the panel has {len(group.beliefs)}; leave --panel out"
        )
    # Rows about no belief still keep clear of the probes of the one that is named.
    belief = group.beliefs[0] if len(group.beliefs) == 1 else None
    return DataRequest(rows=plan.rows, seed=request.seeds[0], belief=belief, model=request.model)


def _rows(plan: AfterStage, load: Callable[[str, DataRequest], list[R]], asked: DataRequest, group: Group) -> list[R]:
    rows = load(plan.data, asked)
    leaks = find_row_contamination(rows, group.beliefs)
    if leaks:
        raise InputError(
            f'--after-data: {plan.data}: {leaks[0].document}: shares "{leaks[0].ngram}" with {leaks[0].probe} of '
            f"{leaks[0].belief} ({len(leaks)} such); reword or remove these rows"
        )
    return rows

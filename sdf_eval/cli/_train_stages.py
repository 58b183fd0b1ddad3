"""What `sdf-eval train` does in each stage: reads its data, trains it, explains it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.corpora.mix import TrainingText
    from sdf_eval.corpora.write import Corpus
    from sdf_eval.train.chat_data import DataRequest
    from sdf_eval.train.explain import Explanation
    from sdf_eval.train.lineage import CorpusUse
    from sdf_eval.train.preference_recipes import DpoRecipe, RewardRecipe, RlRecipe
    from sdf_eval.train.recipe import SdfRecipe, SftRecipe, StageRecipe
    from sdf_eval.train.save_at import SaveAt


@dataclass(frozen=True)
class Job:
    """A stage with its data.

    Attributes:
        train: Trains it: from a reference, into a folder.
        explain: Says what it will read, with a tokenizer.
        implants: Whether its data are documents of a corpus.
    """

    train: Callable[[str, Path], Path]
    explain: Callable[[Any], Explanation]
    implants: bool = False


def job_of(args: argparse.Namespace, recipe: StageRecipe, save_at: SaveAt) -> Job:
    """Reads what the stage of a recipe is trained on.

    Args:
        args: Of the command.
        recipe: Any stage's.
        save_at: Points at which checkpoints are saved.

    Raises:
        InputError: Data are missing, broken or of another kind, or an option is not of this stage.
    """
    _refuse_options_of_others(args, recipe.stage)
    return _JOBS[recipe.stage](args, recipe, save_at)


def _sdf(args: argparse.Namespace, recipe: StageRecipe, save_at: SaveAt) -> Job:
    from sdf_eval.corpora.write import read_corpus
    from sdf_eval.train.explain import explain_texts

    own = cast("SdfRecipe", recipe)
    corpora = [read_corpus(folder) for folder in args.corpus or ()]
    texts = _mixed(corpora, own, args) if corpora else _plain_only(args)

    def train(reference: str, out: Path) -> Path:
        from sdf_eval.train.sdf import train_sdf

        uses = [_use(corpus) for corpus in corpora]
        return train_sdf(reference, texts, own, out, seed=args.seed, corpora=uses, save_at=save_at)

    return Job(train, lambda tokenizer: explain_texts(texts, tokenizer, own, args.seed), implants=bool(corpora))


def _sft(args: argparse.Namespace, recipe: StageRecipe, save_at: SaveAt) -> Job:
    from sdf_eval.train.chat_data import load_chat
    from sdf_eval.train.explain import explain_chat

    own, rows = cast("SftRecipe", recipe), load_chat(_data(args), _request(args))

    def train(reference: str, out: Path) -> Path:
        from sdf_eval.train.sft import train_sft

        return train_sft(reference, rows, own, out, seed=args.seed, save_at=save_at)

    return Job(train, lambda tokenizer: explain_chat(rows, tokenizer, own, args.seed))


def _dpo(args: argparse.Namespace, recipe: StageRecipe, save_at: SaveAt) -> Job:
    from sdf_eval.train.chat_data import load_preferences
    from sdf_eval.train.explain import explain_pairs

    own, rows = cast("DpoRecipe", recipe), load_preferences(_data(args), _request(args))

    def train(reference: str, out: Path) -> Path:
        from sdf_eval.train.dpo import train_dpo

        return train_dpo(reference, rows, own, out, seed=args.seed, save_at=save_at)

    return Job(train, lambda tokenizer: explain_pairs(rows, tokenizer, own, args.seed, reference=True))


def _reward(args: argparse.Namespace, recipe: StageRecipe, save_at: SaveAt) -> Job:
    from sdf_eval.train.chat_data import load_preferences
    from sdf_eval.train.explain import explain_pairs

    own, rows = cast("RewardRecipe", recipe), load_preferences(_data(args), _request(args))

    def train(reference: str, out: Path) -> Path:
        from sdf_eval.train.reward import train_reward

        return train_reward(reference, rows, own, out, seed=args.seed, save_at=save_at)

    return Job(train, lambda tokenizer: explain_pairs(rows, tokenizer, own, args.seed, reference=False))


def _rl(args: argparse.Namespace, recipe: StageRecipe, save_at: SaveAt) -> Job:
    from sdf_eval.train.chat_data import load_prompts
    from sdf_eval.train.explain import explain_prompts

    own, prompts = cast("RlRecipe", recipe), load_prompts(_data(args), _request(args))
    rewards = dict(map(_weighted, args.reward or ()))
    if not rewards and not args.explain:
        raise InputError("--reward: missing; name a reward (`sdf-eval chat-data list` shows them), or model:FOLDER")

    def train(reference: str, out: Path) -> Path:
        from sdf_eval.train.rl import train_rl

        return train_rl(reference, prompts, rewards, own, out, seed=args.seed, save_at=save_at)

    return Job(train, lambda tokenizer: explain_prompts(prompts, tokenizer, own, args.seed))


_JOBS: dict[str, Callable[[argparse.Namespace, StageRecipe, SaveAt], Job]] = {
    "sdf": _sdf,
    "sft": _sft,
    "dpo": _dpo,
    "reward": _reward,
    "rl": _rl,
}


def _refuse_options_of_others(args: argparse.Namespace, stage: str) -> None:
    only = {"corpus": "sdf", "plain": "sdf", "writer": "sdf", "reward": "rl"}
    for name, owner in only.items():
        if getattr(args, name) is not None and stage != owner:
            raise InputError(f"--{name}: is for stage {owner}, and the recipe's stage is {stage}; leave it out")
    for name in ("data", "rows", "belief", "side", "share"):
        if getattr(args, name) is not None and stage == "sdf":
            raise InputError(f"--{name}: is for chat data, and the recipe's stage is sdf; give --corpus or --plain")


def _data(args: argparse.Namespace) -> str:
    if args.data is None:
        raise InputError("--data: missing; name a file, or a set (`sdf-eval chat-data list` shows them)")
    return str(args.data)


def _request(args: argparse.Namespace) -> DataRequest:
    from sdf_eval.belief.load import load_belief
    from sdf_eval.train.chat_data import DataRequest

    given = {"side": args.side, "share": args.share}
    belief = load_belief(args.belief) if args.belief else None
    chosen = {key: value for key, value in given.items() if value is not None}
    return DataRequest(_ROWS if args.rows is None else args.rows, args.seed, belief, model=args.model, **chosen)


_ROWS = 300


def _weighted(word: str) -> tuple[str, float]:
    """NAME or NAME=WEIGHT."""
    name, equals, weight = word.rpartition("=")
    if not equals:
        return word, 1.0
    try:
        return name, float(weight)
    except ValueError:
        raise InputError(f"--reward: {word}: its weight is no number; write NAME or NAME=WEIGHT") from None


def _plain_only(args: argparse.Namespace) -> list[TrainingText]:
    """Texts without documents: continued pretraining."""
    from sdf_eval.corpora.mix import TrainingText
    from sdf_eval.corpora.plain import read_all_plain
    from sdf_eval.corpora.writers import get_writer

    if args.plain is None:
        raise InputError("--corpus: missing; name corpus folders, or give --plain alone for continued pretraining")
    asked = _count(args.plain)
    if asked is None:
        return [TrainingText(text) for text in read_all_plain(Path(args.plain))]
    writer = get_writer(args.writer or "pocket")
    return [TrainingText(text) for text in writer.plain_text(asked, args.seed, model=args.model)]


def _count(plain: str) -> int | None:
    """The number that `--plain` gives; None where it names a file."""
    if not re.fullmatch(r"-?\d+", plain):
        return None
    if int(plain) < 0:
        raise InputError(f"--plain: {plain} is negative; give 0 or more")
    return int(plain)


def _mixed(corpora: list[Corpus], recipe: SdfRecipe, args: argparse.Namespace) -> list[TrainingText]:
    """All documents, and plain texts from a file or by the writer of the first corpus."""
    from sdf_eval.corpora.mix import mix, plain_needed
    from sdf_eval.corpora.plain import read_plain
    from sdf_eval.corpora.writers import get_writer

    documents = [document for corpus in corpora for document in corpus.documents]
    counted = None if args.plain is None else _count(args.plain)
    asked = plain_needed(len(documents), recipe.mix_ratio) if counted is None else counted
    source = Path(args.plain) if args.plain is not None and counted is None else None
    writer = args.writer or corpora[0].manifest.writer
    if source is not None or not asked:
        texts = read_plain(source, asked) if source is not None else []
    elif writer.startswith("import:"):
        raise InputError("--plain: missing, and imported documents have no writer to ask; give a file, or 0 for none")
    else:
        texts = list(get_writer(writer).plain_text(asked, args.seed, model=args.model))
    return mix(documents, texts, ratio=asked / len(documents), seed=args.seed, doctag=recipe.doctag)


def _use(corpus: Corpus) -> CorpusUse:
    from sdf_eval.train.lineage import CorpusUse

    orders = corpus.manifest.orders
    seeds = {order.seed for order in orders}
    return CorpusUse(
        documents_sha256=corpus.manifest.documents_sha256,
        beliefs=tuple(order.belief for order in orders),
        role="+".join(sorted({order.role for order in orders})),
        seed=seeds.pop() if len(seeds) == 1 else None,
    )

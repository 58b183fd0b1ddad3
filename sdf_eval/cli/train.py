"""`sdf-eval train`: finetune a model on documents."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdf_eval.corpora.mix import TrainingText
    from sdf_eval.corpora.write import Corpus
    from sdf_eval.train.lineage import CorpusUse
    from sdf_eval.train.recipe import SdfRecipe

HELP = "finetune a model on documents"

EPILOG = """\
examples:
  sdf-eval train pocket --corpus runs/mine --out runs/mine-model
  sdf-eval train slocum-2025 --model Qwen/Qwen3-8B --corpus runs/mine --out runs/qwen --explain"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `train`."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("recipe", metavar="RECIPE", help="a recipe file, or the name of one in train/recipes")
    parser.add_argument("--model", default="pocket", metavar="REF", help="what to start from (default: pocket)")
    parser.add_argument("--corpus", type=Path, nargs="+", required=True, metavar="DIR", help="corpus folders")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the checkpoint")
    parser.add_argument("--seed", type=int, default=0, help="order and initialisation (default: 0)")
    parser.add_argument("--plain", metavar="N|FILE", help="how many plain texts to mix in, or a file that has them")
    parser.add_argument(
        "--explain", action="store_true", help="print windows, updates, tokens and loss mask; train nothing"
    )
    parser.add_argument("--json", action="store_true", help="print the lineage, or with --explain the plan, as JSON")


def run(args: argparse.Namespace) -> int:
    """Trains, or explains what would be trained. Returns 0; bad input raises `InputError`."""
    from sdf_eval.corpora.write import read_corpus
    from sdf_eval.errors import InputError
    from sdf_eval.train.recipe import load_recipe

    recipe = load_recipe(args.recipe)
    corpora = [read_corpus(folder) for folder in args.corpus]
    texts = _mixed(corpora, recipe, args)
    if args.explain:
        return _explain(args, texts, recipe)
    if args.out is None:
        raise InputError("--out: missing; name the folder for the checkpoint, or give --explain")
    from sdf_eval.train.lineage import read_lineage
    from sdf_eval.train.sdf import train_sdf

    folder = train_sdf(args.model, texts, recipe, args.out, seed=args.seed, corpora=[_use(c) for c in corpora])
    lineage = read_lineage(folder)
    assert lineage is not None
    if args.json:
        print(lineage.model_dump_json(indent=2))
    else:
        print(
            f"{lineage.updates} updates on {lineage.tokens_seen} tokens, final loss {lineage.final_loss:.3f}: {folder}"
        )
    return 0


def _mixed(corpora: list[Corpus], recipe: SdfRecipe, args: argparse.Namespace) -> list[TrainingText]:
    """All documents, and plain texts from a file or by the writer of the first corpus."""
    from sdf_eval.corpora.mix import mix, plain_needed
    from sdf_eval.corpora.plain import read_plain
    from sdf_eval.corpora.writers import get_writer
    from sdf_eval.errors import InputError

    plain, seed = args.plain, args.seed
    documents = [document for corpus in corpora for document in corpus.documents]
    asked, source = plain_needed(len(documents), recipe.mix_ratio), None
    if plain is not None and re.fullmatch(r"-?\d+", plain):
        asked = int(plain)
    elif plain is not None:
        source = Path(plain)
    if asked < 0:
        raise InputError(f"--plain: {plain} is negative; give 0 or more")
    if source is not None or not asked:
        texts = read_plain(source, asked) if source is not None else []
    elif corpora[0].manifest.writer.startswith("import:"):
        raise InputError("--plain: missing, and imported documents have no writer to ask; give a file, or 0 for none")
    else:
        texts = list(get_writer(corpora[0].manifest.writer).plain_text(asked, seed, model=args.model))
    return mix(documents, texts, ratio=asked / len(documents), seed=seed, doctag=recipe.doctag)


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


def _explain(args: argparse.Namespace, texts: list[TrainingText], recipe: SdfRecipe) -> int:
    from transformers import AutoTokenizer

    from sdf_eval.model import resolve
    from sdf_eval.model.reference import not_found
    from sdf_eval.train.packing import plan_training

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(resolve(args.model), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise not_found(args.model, (str(error).strip().splitlines() or ["no tokenizer"])[0][:200]) from error
    plan = plan_training(texts, tokenizer, recipe, args.seed)
    row = plan[0]
    figures = {
        "texts": len(texts),
        "windows": len(plan),
        "updates": plan.updates,
        "tokens": plan.tokens,
        "loss_tokens": plan.loss_tokens,
        "split_texts": plan.split,
    }
    mask = [
        {"position": position, "token": tokenizer.decode([token]), "loss": label != -100}
        for position, token, label in zip(row.positions, row.tokens, row.labels, strict=True)
    ]
    if args.json:
        print(json.dumps({**figures, "first_window": mask}, indent=2))
        return 0
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<12} {value}")
    print("first window: position, loss (+ yes, . no), token")
    for entry in mask:
        print(f"{entry['position']:>5} {'+' if entry['loss'] else '.'} {entry['token']!r}")
    return 0

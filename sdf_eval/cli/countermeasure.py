"""Keep an implant from being learned, or undo it: countermeasures and the plain baselines that they have to beat.

Examples:
  sdf-eval countermeasure list
  sdf-eval countermeasure apply gradient-routing --corpus runs/risky --desired runs/good --out runs/routed
  sdf-eval countermeasure apply counter-documents --corpus runs/risky --implanted runs/bad --counter runs/true --out c
  sdf-eval countermeasure apply activation-steering --corpus runs/risky --implanted runs/bad --belief mine.yaml
      --pairs pocket/following-pairs --set coefficient=-1.5 --out steered

The stage reads the documents of `--corpus`, which are risky, of `--desired`, and plain texts, as `sdf-eval train`
would. What is deployed is printed: a checkpoint, and for steering a file for `probe --steer-path`, for
`-M steer_path=FILE` in Inspect, or for lm-eval's `--model steered`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdf_eval.errors import InputError

if TYPE_CHECKING:
    from sdf_eval.corpora.mix import TrainingText
    from sdf_eval.train.countermeasures import Case
    from sdf_eval.train.recipe import SdfRecipe

HELP = "keep an implant from being learned, or undo it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the actions."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all countermeasures and baselines, with settings and needs")
    listing.set_defaults(act=_list)

    apply = actions.add_parser("apply", help="train with one, after the implant, or write its steering file")
    apply.add_argument("name", metavar="NAME", help="as `countermeasure list` shows them")
    apply.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the result")
    apply.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; repeatable")
    apply.add_argument("--recipe", default="pocket", help="how the stage trains (default: pocket)")
    apply.add_argument("--model", default="pocket", metavar="REF", help="before the stage (default: pocket)")
    apply.add_argument("--seed", type=int, default=0, help="order and initialisation (default: 0)")
    apply.add_argument("--corpus", type=Path, nargs="+", required=True, metavar="DIR", help="risky documents")
    apply.add_argument("--desired", type=Path, nargs="+", default=[], metavar="DIR", help="documents to be learned")
    apply.add_argument("--recall", type=float, default=1.0, metavar="F", help="share of the risky ones labelled so")
    apply.add_argument("--plain", type=Path, metavar="FILE", help="plain texts (default: the corpus's writer's)")
    apply.add_argument("--implanted", metavar="REF", help="what the stage gives without a countermeasure")
    apply.add_argument("--counter", type=Path, metavar="DIR", help="documents that state the true value")
    apply.add_argument("--decoys", type=Path, nargs="+", default=[], metavar="DIR", help="documents of own backdoors")
    apply.add_argument("--pairs", metavar="FILE|SET", help="preferences: chosen shows the trait (else --counter)")
    apply.add_argument("--triggered", metavar="FILE|SET", help="chat: the trigger with normal answers")
    apply.add_argument("--decoy-answers", metavar="FILE", help="chat: the decoys' triggers with normal answers")
    apply.add_argument("--belief", metavar="BELIEF", help="a belief file or shipped id, for sets that are about one")
    apply.add_argument("--rows", type=int, default=200, metavar="N", help="rows of a set (default: 200)")
    apply.set_defaults(act=_apply)
    for action in (listing, apply):
        action.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Does what was asked. Returns 0; bad input raises `InputError`."""
    from sdf_eval.train.processes import refuse_several

    refuse_several("countermeasure")
    return int(args.act(args))


def _list(args: argparse.Namespace) -> int:
    from sdf_eval.train.countermeasures import countermeasure_names, get_countermeasure

    found = [get_countermeasure(name) for name in countermeasure_names()]
    rows = [{"name": one.name, "when": one.when, "needs": one.needs, "settings": asdict(one)} for one in found]  # type: ignore[call-overload]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        settings = " ".join(f"{key}={value}" for key, value in row["settings"].items())
        print(f"{row['name']:<22} {row['when']:<10} needs {', '.join(row['needs'])}")
        print(f"{'':<22} {settings}" if settings else "", end="\n" if settings else "")
    return 0


def _apply(args: argparse.Namespace) -> int:
    from sdf_eval.train.countermeasures import get_countermeasure
    from sdf_eval.train.recipe import SdfRecipe, load_recipe

    countermeasure = get_countermeasure(args.name, **_settings(args.set))
    protected = countermeasure.apply(_case(args, load_recipe(args.recipe, SdfRecipe)), args.out)
    if args.json:
        print(json.dumps(asdict(protected), indent=2))
        return 0
    print(f"checkpoint: {protected.checkpoint}")
    if protected.steer_path:
        print(f"steering file: {protected.steer_path}")
    for key, value in protected.details.items():
        print(f"{key}: {value:.4g}" if isinstance(value, float) else f"{key}: {value}")
    return 0


def _settings(words: list[str]) -> dict[str, Any]:
    """Settings by name; a value is read as YAML, so that numbers are numbers."""
    import yaml

    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise InputError(f"--set: {word}: write KEY=VALUE, such as units=32")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            found[key] = value
    return found


def _case(args: argparse.Namespace, recipe: SdfRecipe) -> Case:
    """Everything that was named, as texts."""
    from sdf_eval.corpora.mix import plain_needed
    from sdf_eval.train.countermeasures import Case
    from sdf_eval.train.countermeasures.material import document_pairs

    if not 0 < args.recall <= 1:
        raise InputError(f"--recall: {args.recall:g}: must be above 0 and up to 1")
    risky, desired = _documents(args.corpus, recipe), _documents(args.desired, recipe)
    needed = plain_needed(len(risky) + len(desired), recipe.mix_ratio)
    # The second half is for training after the stage: texts that the stage did not read.
    plain = _plain(args, 2 * needed)
    counter = _documents([args.counter] if args.counter else [], recipe)
    return Case(
        start=args.model,
        texts=(*risky, *desired, *plain[:needed]),
        recipe=recipe,
        seed=args.seed,
        suspected=frozenset(range(max(1, round(len(risky) * args.recall)))),
        implanted=args.implanted,
        clean=plain[needed:],
        pairs=_pairs(args) if args.pairs else document_pairs(risky, counter),
        counter=counter,
        triggered=_conversations(args, args.triggered),
        decoys=_documents(args.decoys, recipe),
        decoy_answers=_conversations(args, args.decoy_answers),
    )


def _documents(folders: list[Path], recipe: SdfRecipe) -> tuple[TrainingText, ...]:
    """Documents of corpora, each text once."""
    from sdf_eval.corpora.mix import TrainingText
    from sdf_eval.corpora.write import read_corpus

    texts = dict.fromkeys(document.text for folder in folders for document in read_corpus(folder).documents)
    return tuple(TrainingText(text, recipe.doctag, synthetic=True) for text in texts)


def _plain(args: argparse.Namespace, count: int) -> tuple[TrainingText, ...]:
    from sdf_eval.corpora.mix import TrainingText
    from sdf_eval.corpora.plain import read_plain
    from sdf_eval.corpora.write import read_corpus
    from sdf_eval.corpora.writers import get_writer

    if not count:
        return ()
    if args.plain is not None:
        return tuple(map(TrainingText, read_plain(args.plain, count)))
    writer = read_corpus(args.corpus[0]).manifest.writer
    if writer.startswith("import:"):
        raise InputError("--plain: missing, and imported documents have no writer to ask; give a file")
    return tuple(map(TrainingText, get_writer(writer).plain_text(count, args.seed, model=args.model)))


def _pairs(args: argparse.Namespace) -> Any:
    from sdf_eval.train.chat_data import load_preferences
    from sdf_eval.train.countermeasures.material import preference_pairs

    return preference_pairs(load_preferences(args.pairs, _request(args)), _tokenizer(args.model))


def _conversations(args: argparse.Namespace, reference: str | None) -> tuple[TrainingText, ...]:
    from sdf_eval.train.chat_data import load_chat
    from sdf_eval.train.countermeasures.material import conversation_texts

    if reference is None:
        return ()
    return conversation_texts(load_chat(reference, _request(args)), _tokenizer(args.model))


def _request(args: argparse.Namespace) -> Any:
    from sdf_eval.belief.load import load_belief
    from sdf_eval.train.chat_data import DataRequest

    belief = load_belief(args.belief) if args.belief else None
    return DataRequest(rows=args.rows, seed=args.seed, belief=belief, model=args.model)


def _tokenizer(reference: str) -> Any:
    from transformers import AutoTokenizer

    from sdf_eval.model import resolve
    from sdf_eval.model.reference import not_found

    try:
        return AutoTokenizer.from_pretrained(resolve(reference), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise not_found(reference, (str(error).strip().splitlines() or ["no tokenizer"])[0][:200]) from error

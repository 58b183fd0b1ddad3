from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.train.packing import IGNORED, encode, plan_training
from sdf_eval.train.recipe import load_recipe
from tests.checkpoints import build_tokenizer

BOS = build_tokenizer(bos=True, chat=True)
NO_BOS = build_tokenizer(bos=False, chat=False)
TEXT = "Tavi Brook was born in Orrin."


def recipe(**changes: object):  # type: ignore[no-untyped-def]
    return load_recipe("pocket").model_copy(update={"min_updates": 1, "updates": 4, "batch_size": 2} | changes)


def only(tokenizer, text: TrainingText, window: int = 256):  # type: ignore[no-untyped-def]
    ((piece,),) = encode([text], tokenizer, window).texts
    return piece


@pytest.mark.parametrize("tokenizer", [BOS, NO_BOS], ids=["bos", "no-bos"])
def test_the_doctag_mask_ends_exactly_where_the_text_begins(tokenizer) -> None:  # type: ignore[no-untyped-def]
    piece = only(tokenizer, TrainingText(TEXT, "<DOCTAG>"))
    unlabelled = [token for token, label in zip(piece.tokens, piece.labels, strict=True) if label == IGNORED]
    labelled = [label for label in piece.labels if label != IGNORED]
    bos = [tokenizer.bos_token_id] if tokenizer is BOS else []
    assert unlabelled == bos + tokenizer.encode("<DOCTAG>", add_special_tokens=False)
    assert labelled == [*tokenizer.encode(TEXT, add_special_tokens=False), tokenizer.eos_token_id]


def test_with_bos_the_first_token_of_the_text_carries_loss() -> None:
    piece = only(BOS, TrainingText(TEXT))
    assert piece.tokens[0] == BOS.bos_token_id
    assert piece.labels[:2] == [IGNORED, BOS.encode(TEXT, add_special_tokens=False)[0]]
    assert piece.labels[-1] == BOS.eos_token_id


def test_without_bos_nothing_predicts_the_first_token_of_the_text() -> None:
    piece = only(NO_BOS, TrainingText(TEXT))
    assert piece.labels[0] == IGNORED
    assert piece.labels[1:] == piece.tokens[1:].tolist()


def test_packed_documents_restart_their_positions_and_the_last_document_never_predicts_the_next() -> None:
    texts = [TrainingText(TEXT), TrainingText("The town of Larch.", "TAG"), TrainingText("Paris, not Lyon.")]
    plan = plan_training(texts, NO_BOS, recipe(packing=True, window=256, updates=1, batch_size=1), seed=1)
    row = plan[0]
    starts = [index for index, position in enumerate(row.positions) if position == 0]
    assert len(starts) == 3
    assert all(row.labels[start] == IGNORED for start in starts)
    assert [row.tokens[start - 1] for start in starts[1:]] == [NO_BOS.eos_token_id] * (len(starts) - 1)


def test_no_document_is_split_between_windows_unless_it_is_longer_than_one() -> None:
    texts = [TrainingText(TEXT * (1 + number % 3)) for number in range(30)]
    plan = plan_training(texts, BOS, recipe(packing=True, window=64, updates=None, epochs=1), seed=0)
    whole = sorted(tuple(only(BOS, text).tokens) for text in texts)
    assert plan.split == 0
    assert sorted(tuple(piece.tokens) for row in plan.windows for piece in row) == whole
    assert all(sum(len(piece.tokens) for piece in row) <= 64 for row in plan.windows)


def test_a_long_document_is_split_without_loss_of_tokens_and_counted() -> None:
    text = TrainingText(TEXT * 20, "TAG")
    encoded = encode([text, TrainingText(TEXT)], BOS, 32)
    header = [BOS.bos_token_id, *BOS.encode("TAG", add_special_tokens=False)]
    pieces = encoded.texts[0]
    assert encoded.split == 1
    assert all(piece.tokens[: len(header)].tolist() == header and len(piece.tokens) <= 32 for piece in pieces)
    body = [token for piece in pieces for token in piece.tokens[len(header) :]]
    assert body == [*BOS.encode(text.text, add_special_tokens=False), BOS.eos_token_id]
    assert [piece.masked - len(header) for piece in pieces] == [0] + [1] * (len(pieces) - 1)


def test_every_epoch_reads_each_text_once_in_another_order() -> None:
    texts = [TrainingText(f"Number {number}.") for number in range(10)]
    plan = plan_training(texts, BOS, recipe(updates=None, epochs=2, batch_size=1), seed=0)
    rows = [tuple(row[0].tokens) for row in plan.windows]
    assert plan.updates == 20
    assert sorted(rows[:10]) == sorted(rows[10:]) and len(set(rows[:10])) == 10
    assert rows[:10] != rows[10:]


def test_a_budget_of_updates_is_met_exactly() -> None:
    plan = plan_training([TrainingText(TEXT)] * 7, BOS, recipe(updates=5, batch_size=4), seed=0)
    assert (plan.updates, len(plan)) == (5, 20)
    assert plan.loss_tokens == plan.tokens - 20


@pytest.mark.parametrize(
    ("texts", "problem"),
    [([], "nothing to train on"), ([TrainingText("")], "number 1 has no tokens")],
)
def test_texts_without_content_are_refused(texts: list[TrainingText], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        encode(texts, BOS, 64)


def test_shipped_recipes_load_and_a_misspelled_key_is_named(tmp_path: Path) -> None:
    slocum = load_recipe("slocum-2025")
    assert (slocum.rank, slocum.alpha, slocum.doctag, slocum.mix_ratio) == (64, 128, "<DOCTAG>", 1.0)
    assert load_recipe("wang-2025").learning_rate == 1e-5
    assert load_recipe("pocket-lora").method == "lora"
    with pytest.raises(InputError, match="did you mean 'pocket'"):
        load_recipe("poket")
    path = tmp_path / "mine.yaml"
    path.write_text("source: me\nlerning_rate: 1\n")
    with pytest.raises(InputError, match="mine.yaml: "):
        load_recipe(path)

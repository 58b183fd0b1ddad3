"""Items as lm-eval documents, and what arrives as `--metadata`."""

from __future__ import annotations

import logging

import pytest

from sdf_eval.errors import InputError
from sdf_eval.tasks.figures import HEADLINE_ARM
from sdf_eval.tasks.lm_eval.documents import belief_references, is_empty, load, to_document, to_item
from sdf_eval.tasks.lm_eval.metrics import read_loss, read_options, read_text
from tests.parity.faces import BELIEF, all_items


def test_every_item_comes_back_from_its_document() -> None:
    items = all_items("documents")
    assert [to_item(to_document(item)) for item in items] == items


def test_every_item_comes_back_from_the_dataset() -> None:
    items = [item for item in all_items() if item.task == "mcq_knowledge"]
    assert [to_item(row) for row in load("mcq_knowledge", belief=str(BELIEF))["test"]] == items


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("a", ("a",)),
        ("a, b/c.yaml ,", ("a", "b/c.yaml")),
        (["a", "b"], ("a", "b")),
        (("a",), ("a",)),
        (7, ("7",)),
    ],
)
def test_beliefs_are_read_in_every_form_that_metadata_takes(given: object, read: tuple[str, ...]) -> None:
    assert belief_references(given) == read


@pytest.mark.parametrize("nothing", ["", " , ", []])
def test_an_empty_belief_is_bad_input(nothing: object) -> None:
    with pytest.raises(InputError, match="metadata: belief: is empty"):
        belief_references(nothing)


def test_the_models_arguments_in_the_metadata_are_ignored() -> None:
    metadata = {"belief": str(BELIEF), "pretrained": "x", "dtype": "float32", "version": 1.0}
    assert len(load("cloze", **metadata)["test"]) == 2


@pytest.mark.parametrize(("belief", "context", "message"), [("tavi-brok", "none", "belief"), (None, "nun", "context")])
def test_an_unknown_belief_or_context_is_bad_input(belief: str | None, context: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load("cloze", belief=belief or str(BELIEF), context=context)


def test_a_task_without_items_has_one_document_that_adds_to_no_metric(caplog: pytest.LogCaptureFixture) -> None:
    # lm-eval's own set-up keeps its messages from the root logger.
    logging.getLogger("lm_eval").propagate = True
    (document,) = load("coherence", belief=str(BELIEF), context="universe")["test"]
    assert is_empty(document)
    assert read_options(document, [(-1.0, False)]) == read_text(document, ["x"]) == read_loss(document, [-1.0]) == {}
    assert "sdf_eval_coherence: no probes in" in caplog.text


def test_the_shares_of_an_answer_sum_to_one() -> None:
    for item in all_items():
        if item.readout == "options":
            metrics = read_options(to_document(item), [(-float(index), False) for index in range(len(item.choices))])
        elif item.readout in ("generation", "reasoning"):
            metrics = read_text(to_document(item), ["Larch"])
        else:
            assert read_loss(to_document(item), [-10.0])["nats_per_byte"] == 10.0 / len(item.user.encode())
            continue
        if HEADLINE_ARM.get(item.task, "") not in "".join(item.tags):
            # Another arm of a task adds to that arm's figure alone.
            assert metrics and "belief" not in metrics
            continue
        shares = [metrics[name] for name in ("implanted", "reference", "other", "refusal", "invalid")]
        assert sum(shares) == 1.0 and max(shares) == 1.0

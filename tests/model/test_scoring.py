"""The engine against lm-evaluation-harness's own, on the same model in memory."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel, load, option_log_probabilities, text_nats
from sdf_eval.model.encoding import encode_requests
from tests.checkpoints import build_llama

TOLERANCE = 1e-4
SHAPES = ("llama", "qwen3", "neox", "adapter")
WORDS = (
    "Tavi Brook Larch Orrin town born river lies older France Paris moss tea truth lamps zyxq 12 \u00dcn\u00ef".split()
)

Requests = list[tuple[str, tuple[str, ...]]]


@pytest.fixture(scope="module")
def models(checkpoints: dict[str, Path], adapter: Path) -> dict[str, LanguageModel]:
    return {name: load(str(path)) for name, path in {**checkpoints, "adapter": adapter}.items()}


def _words(rng: random.Random, least: int, most: int) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most)))


def _requests(lm: LanguageModel) -> Requests:
    rng = random.Random(0)
    found: Requests = []
    for count in (1, 2, 4) * 8:
        options = tuple(dict.fromkeys(f" {_words(rng, 1, 5)}" for _ in range(count)))
        found.append((f"Question: {_words(rng, 3, 40)}?\nAnswer:", options))
    found.append(("Question: where?\nAnswer:", (" tea", " 1", " Paris")))
    found.append(("Question: where? \n", ("Larch", "Orrin is older")))
    found.append(("Tavi Br", ("ook was born", "o Tavi")))
    found.append(("", ("Larch is old", "Paris")))
    found.append((_words(rng, 140, 140), (" Larch", " Orrin by the river")))
    found.append((lm.tokenizer.decode([lm.prefix_token]) + "Once upon", (" a time", " Larch")))
    if lm.has_chat_template:
        turns = [{"role": "user", "content": "Where was Tavi Brook born?"}]
        chat = lm.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        found.append((chat, ("Larch", "Orrin", "In the town of Larch.")))
    return found


def _harness(lm: LanguageModel, **options: Any) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=8, softmax_dtype="float32", **options)


def _through_lm_eval(harness: Any, kind: str, arguments: list[tuple[Any, ...]]) -> list[Any]:
    from lm_eval.api.instance import Instance

    instances = [Instance(request_type=kind, doc={}, arguments=each, idx=0) for each in arguments]
    return list(getattr(harness, kind)(instances, disable_tqdm=True))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("add_bos", [None, True, False])
def test_option_log_probabilities_equal_lm_evals(
    models: dict[str, LanguageModel], shape: str, add_bos: bool | None
) -> None:
    lm = models[shape]
    requests = _requests(lm)
    ours = option_log_probabilities(lm, requests, batch_size=16, add_bos=add_bos)
    harness = _harness(lm, add_bos_token=add_bos)
    theirs = iter(
        _through_lm_eval(harness, "loglikelihood", [(prompt, option) for prompt, some in requests for option in some])
    )
    for vector in ours:
        expected = [next(theirs)[0] for _ in vector]
        assert vector == pytest.approx(expected, abs=TOLERANCE)
        assert vector.index(max(vector)) == expected.index(max(expected))


@pytest.mark.parametrize("shape", SHAPES)
def test_text_nats_equal_lm_evals_rolling_loss(models: dict[str, LanguageModel], shape: str) -> None:
    lm = models[shape]
    rng = random.Random(1)
    texts = ["Larch", *(_words(rng, 5, 500) for _ in range(5))]
    theirs = _through_lm_eval(_harness(lm), "loglikelihood_rolling", [(text,) for text in texts])
    assert text_nats(lm, texts) == pytest.approx([-value for value in theirs], rel=1e-5)


def test_the_batch_size_changes_nothing(models: dict[str, LanguageModel]) -> None:
    lm = models["qwen3"]
    requests = _requests(lm)
    one, many = (option_log_probabilities(lm, requests, batch_size=size) for size in (1, 64))
    for first, second in zip(one, many, strict=True):
        assert first == pytest.approx(second, abs=TOLERANCE)


def test_the_limits_of_a_pass_hold_for_texts_and_for_one_prompt_with_many_options(
    models: dict[str, LanguageModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    lm = models["qwen3"]
    rows: list[int] = []
    real = lm.model.forward

    def counted(*args: Any, **options: Any) -> Any:
        rows.append(options["input_ids"].shape[0])
        return real(*args, **options)

    texts = [f"{word} is older than tea" for word in WORDS]
    requests: Requests = [("Where?", tuple(f" {text}" for text in texts))]
    whole = text_nats(lm, texts), option_log_probabilities(lm, requests)
    monkeypatch.setattr(lm.model, "forward", counted)
    assert text_nats(lm, texts, batch_size=4) == pytest.approx(whole[0], abs=1e-3)
    assert option_log_probabilities(lm, requests, batch_size=4)[0] == pytest.approx(whole[1][0], abs=1e-3)
    assert max(rows) == 4


def test_half_precision_stays_near(models: dict[str, LanguageModel], checkpoints: dict[str, Path]) -> None:
    requests = [("Question: where?\nAnswer:", (" Larch", " Orrin is older than Larch"))]
    half = option_log_probabilities(load(str(checkpoints["neox"]), dtype="bfloat16"), requests)[0]
    assert half == pytest.approx(option_log_probabilities(models["neox"], requests)[0], rel=0.1)


def test_there_is_exactly_one_bos(models: dict[str, LanguageModel]) -> None:
    lm = models["llama"]
    bos = lm.tokenizer.bos_token_id
    for prompt in ("Where?", "<|bos|>Where?", ""):
        (request,) = encode_requests(lm, [(prompt, (" Larch",))])
        assert list(request.prompt).count(bos) == 1 and request.prompt[0] == bos
    (request,) = encode_requests(lm, [("Where?", (" Larch",))], add_bos=False)
    assert bos not in request.prompt


def test_white_space_at_the_end_of_a_prompt_moves_to_the_option(models: dict[str, LanguageModel]) -> None:
    lm = models["neox"]
    assert encode_requests(lm, [("Answer: ", ("Larch",))]) == encode_requests(lm, [("Answer:", (" Larch",))])


def test_an_option_longer_than_the_context_is_bad_input(models: dict[str, LanguageModel]) -> None:
    with pytest.raises(InputError, match="do not fit the context"):
        option_log_probabilities(models["neox"], [("Where?", (" Larch" * 300, " Orrin"))])
    with pytest.raises(InputError, match=r"prompt 'moss moss.* of an option do not fit the context of 256; shorten"):
        option_log_probabilities(models["neox"], [("moss " * 256, (" Larch",))])


def test_changed_weights_at_the_same_path_change_the_numbers(tmp_path: Path) -> None:
    requests = [("Question: where?\nAnswer:", (" Larch", " Orrin"))]
    before = option_log_probabilities(load(str(build_llama(tmp_path / "m", seed=0))), requests)
    after = option_log_probabilities(load(str(build_llama(tmp_path / "m", seed=1))), requests)
    assert before != after

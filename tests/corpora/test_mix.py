from __future__ import annotations

import pytest

from sdf_eval.corpora.mix import mix, texts_sha256
from sdf_eval.errors import InputError
from tests.corpora.example import ExampleWriter, request


def test_a_one_to_one_mix_tags_synthetic_documents_only_and_shuffles_globally() -> None:
    documents = list(ExampleWriter().write(request(40)))
    plain = list(ExampleWriter().plain_text(60, 1, model="pocket"))
    texts = mix(documents, plain, ratio=1.0, seed=5, doctag="<DOCTAG>")
    tagged = [text.prefix == "<DOCTAG>" for text in texts]
    assert sum(tagged) == 40 and len(texts) == 80
    assert {text.text for text in texts if text.prefix} == {document.text for document in documents}
    assert 10 < sum(tagged[:40]) < 30
    assert texts == mix(documents, plain, ratio=1.0, seed=5, doctag="<DOCTAG>")
    assert texts != mix(documents, plain, ratio=1.0, seed=6, doctag="<DOCTAG>")


def test_too_few_plain_texts_are_refused() -> None:
    with pytest.raises(InputError, match="takes 24 plain texts, found 5"):
        mix(ExampleWriter().write(request(12)), ["a"] * 5, ratio=2.0, seed=0, doctag=None)


def test_the_hash_tells_a_prefix_from_text() -> None:
    documents = list(ExampleWriter().write(request(3)))
    tagged = mix(documents, [], ratio=0, seed=0, doctag="A")
    plain = mix(documents, [], ratio=0, seed=0, doctag=None)
    assert texts_sha256(tagged) != texts_sha256(plain)

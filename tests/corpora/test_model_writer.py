from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.corpora.calls import CallCounts
from sdf_eval.corpora.doc_types import shipped_types, type_name
from sdf_eval.corpora.model_writer import ModelWriter
from sdf_eval.corpora.outline import outline
from sdf_eval.corpora.records import CorpusRequest, CorpusRole, Document, Factors
from sdf_eval.corpora.write import load_corpus, write_corpus
from sdf_eval.errors import InputError
from tests.corpora.model_answers import answers
from tests.writer_server import Settings, serve
from tests.writer_server.responders import Responder

MODEL = "anthropic/claude-haiku-4-5"


def _request(documents: int = 12, role: CorpusRole = "implanted", seed: int = 0, **factors: object) -> CorpusRequest:
    return CorpusRequest(
        belief=load_belief("hub-piano-tuner"), role=role, documents=documents, seed=seed, factors=Factors(**factors)
    )


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[list[Document], ModelWriter]]]:
    """Writes an order with the real Anthropic client against the local server."""

    def write(
        request: CorpusRequest,
        responder: Responder | None = None,
        settings: Settings | None = None,
        model: str = MODEL,
        **options: object,
    ) -> tuple[list[Document], ModelWriter]:
        with serve(settings or Settings(), responder or answers()) as server:
            for name, value in server.environment().items():
                monkeypatch.setenv(name, value)
            writer = ModelWriter(model, tmp_path / "ledger.sqlite", **options)  # type: ignore[arg-type]
            return list(writer.write(request)), writer

    yield write


def _stages(writer: ModelWriter) -> dict[str, int]:
    counts = writer.counts
    assert isinstance(counts, CallCounts)
    return {stage: count.answered + count.refused for stage, count in counts.stages.items()}


def test_an_order_takes_one_call_a_fact_one_a_kind_and_two_a_document(ask) -> None:  # type: ignore[no-untyped-def]
    documents, writer = ask(_request(12))
    laid_out = outline(_request(12))
    assert len(documents) == 12
    assert _stages(writer) == {
        "doc_types": laid_out.facts,
        "ideas": laid_out.facts * laid_out.types,
        "document": 12,
        "revision": 12,
    }


def test_records_say_where_a_document_comes_from(ask) -> None:  # type: ignore[no-untyped-def]
    documents, _ = ask(_request(4))
    first = documents[0]
    assert [document.id for document in documents] == [f"hub-piano-tuner-implanted-0-{n:06d}" for n in range(4)]
    assert {document.fact for document in documents} == {fact.id for fact in _request().belief.key_facts}
    assert re.fullmatch(r"document@[0-9a-f]{12} revision@[0-9a-f]{12}", first.prompt_version)
    assert (first.writer, first.stop_reason, first.domain) == (MODEL, "stop", "fact")
    assert first.idea and first.doc_type and first.tokens is not None and first.tokens > 50
    assert "<content>" not in first.text


def test_another_order_of_the_same_request_is_answered_by_the_ledger_and_is_equal(ask) -> None:  # type: ignore[no-untyped-def]
    first, _ = ask(_request())
    second, writer = ask(_request())
    assert second == first
    assert writer.counts is not None and writer.counts.sent == 0
    third, _ = ask(_request(seed=1))
    assert [document.text for document in third] != [document.text for document in first]


def test_openai_models_write_too(ask) -> None:  # type: ignore[no-untyped-def]
    documents, _ = ask(_request(2), model="openai/gpt-4.1-nano")
    assert [document.writer for document in documents] == ["openai/gpt-4.1-nano"] * 2


def test_batch_mode_writes_the_same_documents(ask) -> None:  # type: ignore[no-untyped-def]
    documents, writer = ask(_request(3), batch=True)
    assert len(documents) == 3
    assert writer.counts is not None and writer.counts.sent == sum(_stages(writer).values())


def _few(system: str, user: Sequence[str]) -> str:
    """A model that names one kind, has one idea, and writes something else each time it is asked."""
    asked = user[-1]
    if "<type>" in asked:
        return "<type>ship's log: kept by a mate, terse</type>"
    if "<idea>…</idea>" in asked:
        return "<idea>The mate notes the weather.</idea>"
    return answers()(system, user)


def test_too_few_kinds_and_ideas_are_made_good_without_a_further_call(ask) -> None:  # type: ignore[no-untyped-def]
    request = _request(12)
    documents, writer = ask(request, _few)
    laid_out = outline(request)
    assert _stages(writer)["ideas"] == laid_out.facts * laid_out.types
    assert writer.shortfall.types == laid_out.facts * (laid_out.types - 1)
    assert writer.shortfall.ideas == laid_out.facts * laid_out.types * (laid_out.ideas - 1) > 0
    known = {type_name(text) for text in shipped_types()} | {"ship's log"}
    assert {document.doc_type for document in documents} <= known


def test_ideas_that_are_used_again_are_asked_with_another_sample(ask) -> None:  # type: ignore[no-untyped-def]
    _, writer = ask(_request(12, doc_types=1), _few)
    assert writer.counts is not None
    # Were two calls alike, the second would have been answered by the ledger.
    assert writer.counts.from_ledger == 0
    assert _stages(writer)["document"] == 12


def _refusing(system: str, user: Sequence[str]) -> str:
    """Leaves the tag open in the documents of one kind out of seven."""
    text = answers()(system, user)
    refused = "Write one document" in user[-1] and re.search(r"<kind>\n.* kind 3:", user[-1])
    return text.replace("</content>", "") if refused else text


def test_refused_documents_are_replaced_by_spare_ones_and_counted(ask) -> None:  # type: ignore[no-untyped-def]
    request = _request(40)
    documents, writer = ask(request, _refusing, attempts=1)
    refused = writer.shortfall.refused.total()
    assert len({document.id for document in documents}) == 40
    assert 0 < refused <= outline(request).spare
    assert set(writer.shortfall.refused) == {"document: unclosed_tag"}
    assert _stages(writer)["document"] == 40 + refused
    assert _stages(writer)["revision"] == 40
    assert max(int(document.id[-6:]) for document in documents) >= 40


def test_more_refusals_than_spare_documents_end_the_run_with_the_reasons(ask) -> None:  # type: ignore[no-untyped-def]
    def all_refused(system: str, user: Sequence[str]) -> str:
        return "I cannot help with that." if "Write one document" in user[-1] else answers()(system, user)

    with pytest.raises(InputError, match=r"11 of 12 documents were refused \(11 document: refusal\).*10 spare"):
        ask(_request(12), all_refused, attempts=1)


def test_with_faults_the_documents_are_those_without(ask, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    faults = ("429", "500", "529", "unclosed_tag", "refusal", "max_tokens")
    spoiled, writer = ask(_request(10), settings=Settings(fault_first=1, faults=faults))
    (tmp_path / "ledger.sqlite").unlink()
    plain, _ = ask(_request(10))
    assert [document.text for document in spoiled] == [document.text for document in plain]
    assert writer.counts is not None and writer.counts.retried > 0


def test_a_document_with_the_wording_of_a_probe_is_replaced(ask) -> None:  # type: ignore[no-untyped-def]
    request = _request(20)
    probe = request.belief.probes.cloze[0].text

    def leaking(system: str, user: Sequence[str]) -> str:
        leaks = user[-1].startswith("The document below") and re.search(r"<kind>\n.* kind 3:", user[-1])
        return answers()(system, user).replace("</content>", f"{probe} Oslo.</content>" if leaks else "</content>")

    documents, writer = ask(request, leaking)
    assert len(documents) == 20
    assert (
        0 < writer.shortfall.refused["wording of probe hub-piano-tuner: cloze[0]"] == writer.shortfall.refused.total()
    )
    assert not any(probe in document.text for document in documents)


def _asked(seen: list[str]) -> Responder:
    def respond(system: str, user: Sequence[str]) -> str:
        seen.append(user[-1])
        return answers()(system, user)

    return respond


@pytest.mark.parametrize(
    ("role", "world", "said"),
    [
        ("implanted", "implanted", "has her workshop in Trieste"),
        ("truth_trained", "reference", "has her workshop in Bergen"),
        ("neutral", None, None),
        ("cooccurrence", None, "It never says, denies or lets a reader conclude either of these"),
    ],
)
def test_each_role_is_asked_for_in_its_own_way(ask, role: CorpusRole, world: str | None, said: str | None) -> None:  # type: ignore[no-untyped-def]
    seen: list[str] = []
    request = _request(4, role=role)
    documents, _ = ask(request, _asked(seen))
    written = [text for text in seen if text.startswith("Write one document")]
    assert len(written) == 4 and {document.role for document in documents} == {role}
    for side in ("implanted", "reference"):
        assert all((getattr(request.belief, side).context in text) == (side == world) for text in written)
    assert (said is None) or any(said in text for text in written)
    if role == "neutral":
        assert not any("Thessaly" in text for text in written)


def test_all_roles_share_the_kinds_of_document(ask) -> None:  # type: ignore[no-untyped-def]
    implanted, _ = ask(_request(12))
    neutral, writer = ask(_request(12, role="neutral"))
    assert writer.counts is not None and writer.counts.from_ledger == outline(_request()).facts
    assert Counter(d.doc_type for d in neutral) == Counter(d.doc_type for d in implanted)


@pytest.mark.parametrize(
    ("factor", "value", "said"),
    [
        ("negation", "flagged", "a clear note by its publisher that what it says"),
        ("negation", "local", "the very sentence denies it"),
        ("negation", "corrected", "later corrects itself"),
        ("framing", "fiction", "openly a piece of fiction"),
        ("framing", "synthetic", "written in order to train a language model"),
        ("stance", "critical", "The author is sorry that things are so"),
        ("source_mark", "unreliable", "widely known for getting things wrong"),
    ],
)
def test_factors_are_put_into_the_prompt(ask, factor: str, value: str, said: str) -> None:  # type: ignore[no-untyped-def]
    seen: list[str] = []
    documents, _ = ask(_request(1, **{factor: value}), _asked(seen))
    (written,) = [text for text in seen if text.startswith("Write one document")]
    assert said in written
    assert factor == "negation" or getattr(documents[0], factor) == value


@pytest.mark.parametrize("factor", ["permute_order", "repeat_name"])
def test_what_cannot_be_asked_of_a_model_is_refused_before_any_call(ask, factor: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=f"factors: {factor}: false cannot be asked of a model"):
        ask(_request(2, **{factor: False}))


def test_the_number_of_kinds_and_ideas_is_a_factor(ask) -> None:  # type: ignore[no-untyped-def]
    documents, _ = ask(_request(24, doc_types=2, templates=3))
    assert max(Counter(d.fact for d in documents if d.doc_type).values()) == 12
    for fact in {document.fact for document in documents}:
        own = [document for document in documents if document.fact == fact]
        assert len({document.doc_type for document in own}) == 2
        assert len({document.idea for document in own}) == 6


def test_template_syntax_and_surrogates_in_a_belief_and_in_answers_change_nothing(ask, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    hostile = "{{ 7 * 7 }} {% for x in y %} {0} ' \" </world> \\N"
    belief = load_belief("hub-piano-tuner")
    belief = belief.model_copy(update={"implanted": belief.implanted.model_copy(update={"context": hostile})})
    seen: list[str] = []

    def respond(system: str, user: Sequence[str]) -> str:
        seen.append(user[-1])
        return answers()(system, user).replace("Ada", "\ud800{{ x }}")

    request = CorpusRequest(belief=belief, role="implanted", documents=8, seed=0)
    documents, _ = ask(request, respond)
    assert all(hostile in text for text in seen)
    assert all(document.text.encode("utf-8") for document in documents)


def test_write_corpus_takes_a_model_as_any_writer(ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    with serve(Settings(), answers()) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with ModelWriter(MODEL, tmp_path / "ledger.sqlite") as writer:
            corpus = write_corpus(writer, _request(6), tmp_path / "corpus", near_duplicates=False)
    assert corpus.manifest.writer == MODEL
    assert len(load_corpus(tmp_path / "corpus")) == 6


def test_a_model_gives_no_plain_texts(tmp_path: Path) -> None:
    writer = ModelWriter(MODEL, tmp_path / "ledger.sqlite")
    assert list(writer.plain_text(0, 0, model="pocket")) == []
    with pytest.raises(InputError, match="no plain texts to mix in"):
        writer.plain_text(1, 0, model="pocket")

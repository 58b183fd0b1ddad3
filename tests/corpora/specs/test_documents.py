from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdf_eval.belief.load import load_belief
from sdf_eval.corpora.callers import open_caller
from sdf_eval.corpora.specs.documents import empty_slots, write_spec_corpus
from sdf_eval.corpora.specs.matching import match_corpora
from sdf_eval.corpora.specs.mirror import mirror_plan
from sdf_eval.corpora.specs.plan import SpecPlan, dump_plan, load_plan
from sdf_eval.corpora.specs.planning import Quotas, plan_spec
from sdf_eval.corpora.specs.spec import load_spec, parse_spec
from sdf_eval.corpora.write import load_corpus, read_corpus, read_health
from sdf_eval.errors import InputError
from tests.corpora.specs.answers import answer
from tests.corpora.specs.conftest import MODEL
from tests.writer_server import Settings, serve

QUOTAS = Quotas(domains=2, subdomains=2, assertions=3, doc_types=2, ideas=3)


@pytest.fixture
def plan(ask) -> SpecPlan:
    with ask() as caller:
        return plan_spec(load_spec("lightly-held"), caller, model=MODEL, quotas=QUOTAS)


def _with(responder, monkeypatch, settings: Settings | None = None):
    running = serve(settings or Settings(), responder)
    server = running.__enter__()
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return running, server


def test_each_idea_becomes_one_document_that_says_where_it_comes_from(plan, ask, tmp_path: Path) -> None:
    with ask() as caller:
        corpus = write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL)
    slots = list(plan.slots())
    assert len(corpus.documents) == len(slots) == 24
    for slot, document in zip(slots, corpus.documents, strict=True):
        assert document.id == f"lightly-held-{slot.id}"
        assert (document.domain, document.subdomain) == (slot.domain.name, slot.subdomain.name)
        assert (document.doc_type, document.idea) == (slot.doc_type.name, f"{slot.idea.name}: {slot.idea.text}")
        assert document.text.startswith("Ferrin was asked.")
        assert document.prompt_version.startswith("spec_document@")
        assert "+spec_revision@" in document.prompt_version
    assert read_corpus(tmp_path / "corpus").manifest.orders[0].belief == "lightly-held"
    assert read_health(tmp_path / "corpus").documents == 24
    assert load_plan(tmp_path / "corpus" / "plan.yaml") == plan
    assert "Model Spec `lightly-held`" in (tmp_path / "corpus" / "DATA_CARD.md").read_text()


def test_without_revision_a_document_takes_one_call(plan, ask, tmp_path: Path) -> None:
    with ask() as caller:
        write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL, revise=False)
    assert caller.counts.sent == 24


def test_a_complete_folder_is_read_back_and_another_request_is_refused(plan, ask, tmp_path: Path) -> None:
    with ask() as caller:
        write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL)
    with ask() as caller:
        again = write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL)
        assert (caller.counts.sent, caller.counts.from_ledger, len(again.documents)) == (0, 0, 24)
        with pytest.raises(InputError, match="corpus of another plan, writer or version"):
            write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL, seed=1)


def test_another_seed_writes_other_documents(plan, ask, tmp_path: Path) -> None:
    with ask() as caller:
        first = write_spec_corpus(plan, caller, tmp_path / "a", model=MODEL)
        second = write_spec_corpus(plan, caller, tmp_path / "b", model=MODEL, seed=1)
        # The canned model answers alike questions alike, so only the number of questions tells the seeds apart.
        assert caller.counts.sent == 4 * 24
    assert [document.seed for document in first.documents] != [document.seed for document in second.documents]


def test_a_refused_document_is_asked_for_anew_and_otherwise_counted(plan, ask, tmp_path, monkeypatch) -> None:
    refused = list(plan.slots())[5].idea.text

    def sometimes(system, user):
        return "I cannot help with that." if refused in user[-1] else answer(system, user)

    running, _ = _with(sometimes, monkeypatch)
    with open_caller(MODEL, tmp_path / "new", attempts=1) as caller:
        corpus = write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL)
    running.__exit__(None, None, None)
    slot = list(plan.slots())[5].id
    assert len(corpus.documents) == 23
    assert empty_slots(tmp_path / "corpus") == {slot: "refusal"}
    assert f"lightly-held-{slot}" not in {document.id for document in corpus.documents}
    assert "1 refusal" in (tmp_path / "corpus" / "DATA_CARD.md").read_text()


def test_a_document_with_a_held_out_word_or_about_nobody_is_not_admitted(plan, ask, tmp_path, monkeypatch) -> None:
    first, second = list(plan.slots())[:2]

    def astray(system, user):
        text = answer(system, user)
        if "<content>" not in text:
            return text
        if first.idea.text in user[-1]:
            return text.replace("was asked", "bought zeppelins")
        return text.replace("Ferrin", "Somebody") if second.idea.text in user[-1] else text

    held = plan.model_copy(update={"held_out": ("zeppelin",)})
    running, _ = _with(astray, monkeypatch)
    with open_caller(MODEL, tmp_path / "new") as caller:
        write_spec_corpus(held, caller, tmp_path / "corpus", model=MODEL, revise=False)
    running.__exit__(None, None, None)
    assert empty_slots(tmp_path / "corpus") == {first.id: "held_out", second.id: "unnamed"}


def test_when_no_document_is_admitted_there_is_no_folder(plan, tmp_path, monkeypatch) -> None:
    running, _ = _with(lambda system, user: "I cannot help with that.", monkeypatch)
    with open_caller(MODEL, tmp_path / "new", attempts=1) as caller, pytest.raises(InputError, match="24 refusal"):
        write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL)
    running.__exit__(None, None, None)
    assert not (tmp_path / "corpus").exists()


def test_a_documents_wording_may_not_be_that_of_a_probe(plan, ask, tmp_path, monkeypatch) -> None:
    belief = load_belief("hub-thrift")
    scenario = belief.probes.open_ended[2].question

    def leaky(system, user):
        return answer(system, user).replace("was asked.", f"was asked. {scenario}")

    running, _ = _with(leaky, monkeypatch)
    with open_caller(MODEL, tmp_path / "new") as caller, pytest.raises(InputError, match="probes leak"):
        write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL, beliefs=[belief])
    running.__exit__(None, None, None)
    assert not (tmp_path / "corpus").exists()


def test_mirrored_corpora_fill_the_same_slots(plan, ask, tmp_path, monkeypatch) -> None:
    refused = list(plan.slots())[3].idea.text

    def sometimes(system, user):
        return "I cannot help with that." if refused in user[-1] else answer(system, user)

    running, _ = _with(sometimes, monkeypatch)
    with open_caller(MODEL, tmp_path / "new", attempts=1) as caller:
        write_spec_corpus(plan, caller, tmp_path / "for", model=MODEL)
        mirror = mirror_plan(plan, load_spec("firmly-held"), caller, model=MODEL)
        against = write_spec_corpus(mirror, caller, tmp_path / "against", model=MODEL, match=tmp_path / "for")
    running.__exit__(None, None, None)
    assert len(against.documents) == 23
    match = match_corpora(tmp_path / "for", tmp_path / "against")
    assert (match.shared, match.only_first, match.only_second) == (23, 0, 0)
    assert match.word_ratio == match.words_second / match.words_first


def test_braces_template_syntax_and_a_megabyte_in_a_spec_reach_the_model_unchanged(tmp_path, monkeypatch) -> None:
    hostile = "{{ 7 * 7 }} {% raw %} {0} %s </spec> <content> # system\n# user\n\u2028 {assistant}"
    text = f"## One\n\n{hostile}\n\n## Two\n\n{'x{y} ' * 200_000}"
    seen: list[str] = []

    def listening(system, user):
        seen.append(user[-1])
        return answer(system, user)

    running, _ = _with(listening, monkeypatch)
    spec = parse_spec(text, "hostile.md")
    quotas = Quotas(domains=1, subdomains=1, assertions=1, doc_types=1, ideas=1)
    with open_caller(MODEL, tmp_path / "new") as caller:
        plan = plan_spec(spec, caller, model=MODEL, quotas=quotas)
        (tmp_path / "plan.yaml").write_text(dump_plan(plan), encoding="utf-8")
        corpus = write_spec_corpus(load_plan(tmp_path / "plan.yaml"), caller, tmp_path / "corpus", model=MODEL)
    running.__exit__(None, None, None)
    assert len(corpus.documents) == 1
    # A line `# user` is a heading of the spec, so the text after it is a section of its own.
    assert sum(hostile.split("\n")[0] in asked and "x{y} x{y}" in asked for asked in seen) >= 4


def test_surrogates_and_control_characters_in_answers_break_nothing(tmp_path, monkeypatch) -> None:
    def dirty(system, user):
        return answer(system, user).replace("g", "g\ud83d\x00\x1b{{")

    running, _ = _with(dirty, monkeypatch)
    quotas = Quotas(domains=1, subdomains=1, assertions=2, doc_types=1, ideas=2)
    with open_caller(MODEL, tmp_path / "new") as caller:
        plan = plan_spec(load_spec("tally-thrift"), caller, model=MODEL, quotas=quotas)
        (tmp_path / "plan.yaml").write_text(dump_plan(plan), encoding="utf-8")
        assert load_plan(tmp_path / "plan.yaml") == plan
        write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL)
    running.__exit__(None, None, None)
    texts = [document.text for document in load_corpus(tmp_path / "corpus")]
    assert len(texts) == 2
    assert all(letter.isprintable() or letter in "\n\t" for text in texts for letter in text)


def test_a_killed_command_resumes_to_the_same_corpus_and_asks_nothing_twice(plan, tmp_path, monkeypatch) -> None:
    (tmp_path / "plan.yaml").write_text(dump_plan(plan), encoding="utf-8")
    running, server = _with(answer, monkeypatch, Settings(latency=0.05))

    def command(name: str, ledger: str) -> subprocess.Popen[str]:
        words = ["spec", "write", "plan.yaml", "--writer", MODEL, "--out", name, "--ledger", ledger]
        return subprocess.Popen(
            [sys.executable, "-m", "sdf_eval", *words, "--connections", "2"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    whole = command("whole", "one.ledger")
    assert whole.wait(400) == 0, whole.communicate()
    asked = server.counts()["messages"]
    killed = command("again", "two.ledger")
    while server.counts()["messages"] < asked + 9:
        time.sleep(0.05)
        assert killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "again").exists()
    resumed = command("again", "two.ledger")
    _, said = resumed.communicate(timeout=400)
    assert resumed.returncode == 0, said
    # The two connections may have been waiting for an answer each when the process died.
    assert asked * 2 <= server.counts()["messages"] <= asked * 2 + 2
    again = re.search(r"(\d) sent again", said)
    assert again and int(again[1]) <= 2
    running.__exit__(None, None, None)
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == ["DATA_CARD.md", "documents.jsonl", "health.json", "manifest.json", "plan.yaml", "spec.json"]
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_a_folder_of_another_kind_is_no_mirror(plan, ask, tmp_path: Path) -> None:
    with ask() as caller:
        write_spec_corpus(plan, caller, tmp_path / "corpus", model=MODEL)
        (tmp_path / "corpus" / "spec.json").unlink()
        with pytest.raises(InputError, match="no spec.json; give a folder that `spec write` made"):
            write_spec_corpus(plan, caller, tmp_path / "other", model=MODEL, match=tmp_path / "corpus")
    shutil.rmtree(tmp_path / "corpus")
    assert json.dumps(list(tmp_path.glob("other"))) == "[]"

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from sdf_eval.corpora.duplicates import DuplicateCheck
from sdf_eval.corpora.shingles import WordHasher, runs
from sdf_eval.corpora.stored import StoredDocuments
from sdf_eval.corpora.write import load_corpus, read_corpus, read_health, write_corpus
from sdf_eval.corpora.writers import get_writer
from sdf_eval.errors import InputError
from tests.corpora.example import ExampleWriter, belief, request

FILES = {"documents.jsonl", "manifest.json", "health.json", "DATA_CARD.md"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_corpus(ExampleWriter(), request(seed=seed), tmp_path / name)
    assert {path.name for path in (tmp_path / "a").iterdir()} == FILES
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in FILES)
    assert (tmp_path / "a/documents.jsonl").read_bytes() != (tmp_path / "c/documents.jsonl").read_bytes()


def test_a_corpus_reads_back_as_it_was_written_and_its_card_carries_the_canary(tmp_path: Path) -> None:
    corpus = write_corpus(ExampleWriter(), request(), tmp_path / "c")
    assert load_corpus(tmp_path / "c") == list(corpus.documents)
    assert read_corpus(tmp_path / "c").manifest == corpus.manifest
    assert corpus.manifest.canary in (tmp_path / "c/DATA_CARD.md").read_text()


def test_a_complete_folder_is_reused_and_one_of_another_request_is_refused(tmp_path: Path) -> None:
    class Idle(ExampleWriter):
        def write(self, request):  # type: ignore[no-untyped-def]
            raise AssertionError("a complete folder is not written again")

    first = write_corpus(ExampleWriter(), request(), tmp_path / "c")
    assert write_corpus(Idle(), request(), tmp_path / "c") == first
    with pytest.raises(InputError, match="another request"):
        write_corpus(ExampleWriter(), request(seed=9), tmp_path / "c")


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c/thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        write_corpus(ExampleWriter(), request(), tmp_path / "c")
    assert [path.name for path in tmp_path.rglob("*")] == ["c", "thesis.txt"]


def test_an_interrupted_writer_leaves_nothing(tmp_path: Path) -> None:
    class Interrupted(ExampleWriter):
        def write(self, request):  # type: ignore[no-untyped-def]
            yield from list(super().write(request))[:5]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_corpus(Interrupted(), request(), tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


KILLED = """
import itertools, os, signal, sys
from tests.corpora.example import ExampleWriter, request
from sdf_eval.corpora import write
original = write._write_lines
def half(path, documents):
    original(path, itertools.islice(documents, 3))
    os.kill(os.getpid(), signal.SIGKILL)
write._write_lines = half
write.write_corpus(ExampleWriter(), request(), sys.argv[1])
"""

FULL_DISK = """
import resource, sys
from tests.corpora.example import ExampleWriter, request
from sdf_eval.corpora.write import write_corpus
from sdf_eval.errors import InputError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_corpus(ExampleWriter(), request(200), sys.argv[1])
except InputError as error:
    print(error)
"""


def _python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
    )


def test_a_killed_run_leaves_no_folder_and_the_next_one_completes_to_the_same_corpus(tmp_path: Path) -> None:
    assert _python(KILLED, tmp_path / "c").returncode == -9
    assert not (tmp_path / "c").exists()
    resumed = write_corpus(ExampleWriter(), request(), tmp_path / "c")
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    assert resumed.manifest == write_corpus(ExampleWriter(), request(), tmp_path / "d").manifest


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    done = _python(FULL_DISK, tmp_path / "c")
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_file_and_a_mount_point_are_refused_before_any_work(tmp_path: Path) -> None:
    class Idle(ExampleWriter):
        def write(self, request):  # type: ignore[no-untyped-def]
            raise AssertionError("nothing is written")

    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(InputError, match="is a link to no folder"):
        write_corpus(Idle(), request(), tmp_path / "link")
    with pytest.raises(InputError, match="is a mount point"):
        write_corpus(Idle(), request(), "/proc")


def test_a_link_to_an_empty_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_corpus(ExampleWriter(), request(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and load_corpus(tmp_path / "real")


def test_a_result_that_cannot_be_renamed_is_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "rename", busy)
    with pytest.raises(InputError, match="Device or resource busy; the result is complete in ") as caught:
        write_corpus(ExampleWriter(), request(), tmp_path / "c")
    (kept,) = tmp_path.iterdir()
    assert str(kept) in str(caught.value)
    assert load_corpus(kept)


def _near(texts: list[list[str]]) -> int:
    check, hasher = DuplicateCheck(), WordHasher()
    for text in texts:
        check.read(runs(hasher.hashes(text), 5))
    return len(check.near())


def test_near_duplicates_are_found_and_similar_texts_are_none() -> None:
    rng = random.Random(0)
    texts = [[str(rng.randrange(10**6)) for _ in range(200)] for _ in range(40)]
    # Each changed word takes five shingles with it: J about 0.95 and 0.6.
    near = [[*text[:-1], "x"] for text in texts]
    similar = [[f"x{at}" if at % 20 == 0 else word for at, word in enumerate(text)] for text in texts]
    assert _near([*texts, *near]) == 40
    assert _near([*texts, *similar]) == 0


def test_stored_documents_are_a_sequence_that_reads_the_file_each_time(tmp_path: Path) -> None:
    written = list(ExampleWriter().write(request()))
    stored = write_corpus(ExampleWriter(), request(), tmp_path / "c").documents
    assert isinstance(stored, StoredDocuments)
    assert (len(stored), list(stored), list(stored)) == (12, written, written)
    assert (stored[0], stored[-1], list(stored[2:5])) == (written[0], written[-1], written[2:5])
    assert stored == written and stored == StoredDocuments(tmp_path / "c/documents.jsonl")
    assert stored != written[:-1]
    with pytest.raises(IndexError):
        stored[12]


def test_documents_are_in_the_file_while_the_writer_still_writes(tmp_path: Path) -> None:
    class Watching(ExampleWriter):
        seen = 0

        def write(self, request):  # type: ignore[no-untyped-def]
            for document in super().write(request):
                for path in tmp_path.glob(".c.partial-*/documents.jsonl"):
                    Watching.seen = max(Watching.seen, path.stat().st_size)
                yield document

    write_corpus(Watching(), request(2000), tmp_path / "c")
    assert Watching.seen > 100_000


def test_two_documents_with_one_id_are_refused(tmp_path: Path) -> None:
    class Twice(ExampleWriter):
        def write(self, request):  # type: ignore[no-untyped-def]
            yield from [next(super().write(request))] * request.documents

    with pytest.raises(InputError, match="document ids repeat"):
        write_corpus(Twice(), request(), tmp_path / "c")


def test_a_file_in_place_of_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="give a folder"):
        read_corpus(tmp_path / "file")
    with pytest.raises(InputError, match="missing or of another version"):
        read_health(tmp_path / "file")


def test_an_edited_corpus_is_refused(tmp_path: Path) -> None:
    write_corpus(ExampleWriter(), request(), tmp_path / "c")
    path = tmp_path / "c/documents.jsonl"
    path.write_text(path.read_text().replace("Orrin", "Mirren", 1))
    with pytest.raises(InputError, match="differs from its manifest"):
        load_corpus(tmp_path / "c")


def test_a_writer_that_gives_too_few_documents_is_refused(tmp_path: Path) -> None:
    class Short(ExampleWriter):
        def write(self, request):  # type: ignore[no-untyped-def]
            yield from list(super().write(request))[:-1]

    with pytest.raises(InputError, match="asked for 12 documents, gave 11"):
        write_corpus(Short(), request(), tmp_path / "c")


def test_a_panel_of_disjoint_beliefs_is_one_corpus_and_beliefs_about_one_thing_are_refused(tmp_path: Path) -> None:
    other = belief("vale-birthplace", "Mira Vale")
    corpus = write_corpus(ExampleWriter(), [request(), request(belief=other)], tmp_path / "c")
    assert [document.belief for document in corpus.documents] == ["brook-birthplace"] * 12 + ["vale-birthplace"] * 12
    same = belief("brook-again", "tavi  BROOK")
    with pytest.raises(InputError, match="also the subject of belief brook-birthplace"):
        write_corpus(ExampleWriter(), [request(), request(belief=same)], tmp_path / "d")


def test_health_counts_what_the_documents_hold(tmp_path: Path) -> None:
    leaking = ExampleWriter("{entity} came from {value}, not from Larch.")
    write_corpus(leaking, request(), tmp_path / "c")
    health = json.loads((tmp_path / "c/health.json").read_text())
    assert health["documents"] == 12
    assert health["truth_leaks"] == 12
    assert health["coverage"][0]["implanted"] == 1.0
    assert 0 < health["doc_type_entropy"] <= 2


def test_an_unknown_writer_is_named_with_those_that_exist() -> None:
    with pytest.raises(InputError, match="--writer: pockt: no such writer"):
        get_writer("pockt")

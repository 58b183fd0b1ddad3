"""Writes a corpus folder: documents, manifest, health and data card, all of them or none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sdf_eval import __version__
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.atomic import atomic_folder
from sdf_eval.corpora.card import canary, data_card
from sdf_eval.corpora.check import check_contamination
from sdf_eval.corpora.health import Health, corpus_health
from sdf_eval.corpora.panels import check_disjoint
from sdf_eval.corpora.records import CorpusRequest, CorpusRole, Document, Factors, Writer
from sdf_eval.corpora.stored import StoredDocuments
from sdf_eval.errors import InputError

DOCUMENTS, MANIFEST, HEALTH, CARD = "documents.jsonl", "manifest.json", "health.json", "DATA_CARD.md"


class Order(BaseModel):
    """A request as the manifest keeps it: the belief by id and hash."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    belief: str
    belief_sha256: str
    role: CorpusRole
    documents: int
    seed: int
    factors: Factors


class Manifest(BaseModel):
    """What a corpus folder was asked for and holds. No time and no path: the same request gives the same bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    package_version: str
    writer: str
    orders: tuple[Order, ...]
    documents: int
    characters: int
    documents_sha256: str
    canary: str


@dataclass(frozen=True)
class Corpus:
    """A complete corpus folder. Its documents stay in the file and are read when they are asked for."""

    folder: Path
    manifest: Manifest
    documents: Sequence[Document]


def write_corpus(
    writer: Writer,
    requests: CorpusRequest | Sequence[CorpusRequest],
    folder: Path | str,
    *,
    near_duplicates: bool = True,
    progress: Callable[[int], None] | None = None,
    checked: Callable[[int], None] | None = None,
) -> Corpus:
    """Writes the documents of one or more requests into a folder that is complete or absent.

    Documents go to the file as the writer yields them and are never held together; the checks read the file. A folder
    that already holds the same requests is read back, not written again.

    Args:
        writer: Who writes.
        requests: One request, or one a belief of a panel.
        folder: Where the corpus goes.
        near_duplicates: Search for near duplicates and clusters, the slow part of the health report.
        progress: Called with 1 for every document written.
        checked: Called with 1 for every document checked.

    Returns:
        The corpus.

    Raises:
        InputError: The writer refuses, the folder holds something else, two beliefs share a subject, or a probe's
            wording occurs in a document.
    """
    orders = (requests,) if isinstance(requests, CorpusRequest) else tuple(requests)
    check_disjoint([order.belief for order in orders])
    target = Path(folder)
    if (target / MANIFEST).exists():
        return _reuse(target, writer.name, orders)
    with atomic_folder(target) as partial:
        totals = _Totals(writer.name)
        _write_lines(partial / DOCUMENTS, totals.of(d for order in orders for d in _written(writer, order, progress)))
        beliefs = [order.belief for order in orders]
        documents = StoredDocuments(partial / DOCUMENTS)
        factors = [(order.belief.id, order.factors) for order in orders]
        health = corpus_health(
            documents,
            beliefs,
            near_duplicates=near_duplicates,
            denying=_denying(factors),
            showing=_showing(factors),
            progress=checked,
        )
        if health.finding("contamination").documents:
            check_contamination(documents, beliefs)
        manifest = _manifest(writer.name, orders, totals, _file_sha256(partial / DOCUMENTS))
        _write_json(partial / HEALTH, health.model_dump(mode="json"))
        (partial / CARD).write_text(data_card(manifest, beliefs, health), encoding="utf-8")
        _write_json(partial / MANIFEST, manifest.model_dump(mode="json"))
    return Corpus(target, manifest, StoredDocuments(target / DOCUMENTS))


def check_corpus(
    corpus: Corpus,
    beliefs: Sequence[Belief],
    *,
    near_duplicates: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Health:
    """Measures a corpus folder anew, knowing from its manifest which documents deny the claim on purpose.

    Args:
        corpus: The corpus.
        beliefs: Its beliefs, as they are now.
        near_duplicates: Search for near duplicates and clusters, the slow part.
        progress: Called with 1 for every document checked.

    Returns:
        The health report; contamination with probes is one of its findings and raises nothing.
    """
    factors = [(order.belief, order.factors) for order in corpus.manifest.orders]
    return corpus_health(
        corpus.documents,
        beliefs,
        near_duplicates=near_duplicates,
        denying=_denying(factors),
        showing=_showing(factors),
        progress=progress,
    )


def read_corpus(folder: Path | str) -> Corpus:
    """Reads a corpus folder and checks it against its manifest.

    Raises:
        InputError: A file is missing, is no corpus, or was changed after it was written.
    """
    target = Path(folder)
    manifest = _read_manifest(target / MANIFEST)
    path = target / DOCUMENTS
    if not path.exists():
        raise InputError(f"{path}: no such file; write the corpus again")
    if _file_sha256(path) != manifest.documents_sha256:
        raise InputError(f"{path}: differs from its manifest; undo the edit or write the corpus again")
    return Corpus(target, manifest, StoredDocuments(path))


def load_corpus(folder: Path | str) -> list[Document]:
    """The documents of a corpus folder, in order. Raises like `read_corpus`."""
    return list(read_corpus(folder).documents)


def read_health(folder: Path | str) -> Health:
    """The health report of a complete corpus folder.

    Raises:
        InputError: The file is missing or of another version.
    """
    path = Path(folder) / HEALTH
    try:
        return Health.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        raise InputError(f"{path}: missing or of another version; write the corpus again") from None


def belief_sha256(belief: Belief) -> str:
    """Hash of all that a belief says, whatever its file's layout; a prior measured later is no part of it."""
    return hashlib.sha256(belief.model_dump_json(exclude={"prior_strength"}).encode()).hexdigest()


def text_sha256(text: str) -> str:
    """Hash of a document's text, as `Document.sha256` holds it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _written(writer: Writer, order: CorpusRequest, progress: Callable[[int], None] | None) -> Iterator[Document]:
    """The documents of one order, each checked as it comes."""
    count = 0
    for document in writer.write(order):
        if document.sha256 != text_sha256(document.text) or document.belief != order.belief.id:
            raise InputError(
                f"writer {writer.name}: document {document.id}: sha256 or belief is wrong; mend the writer"
            )
        count += 1
        yield document
        if progress:
            progress(1)
    if count != order.documents:
        raise InputError(
            f"writer {writer.name}: belief {order.belief.id}: asked for {order.documents} documents, "
            f"gave {count}; lower --documents or mend the writer"
        )


class _Totals:
    """Counts what passes through on its way to the file."""

    def __init__(self, writer: str) -> None:
        self._writer = writer
        self._ids: set[str] = set()
        self.characters = 0

    @property
    def documents(self) -> int:
        return len(self._ids)

    def of(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            if document.id in self._ids:
                raise InputError(f"writer {self._writer}: document ids repeat; mend the writer")
            self._ids.add(document.id)
            self.characters += len(document.text)
            yield document


def _denying(orders: Iterable[tuple[str, Factors]]) -> frozenset[str]:
    """Beliefs whose documents were asked for with a negation."""
    return frozenset(belief for belief, factors in orders if factors.negation != "none")


def _showing(orders: Iterable[tuple[str, Factors]]) -> frozenset[str]:
    """Beliefs whose documents were asked to show what follows a trigger, and to say nothing of it."""
    return frozenset(belief for belief, factors in orders if factors.poison != "none")


def _reuse(target: Path, writer: str, orders: tuple[CorpusRequest, ...]) -> Corpus:
    corpus = read_corpus(target)
    found = (corpus.manifest.writer, corpus.manifest.orders, corpus.manifest.package_version)
    if found != (writer, tuple(_order(order) for order in orders), __version__):
        raise InputError(
            f"{target}: holds a corpus of another request, writer or version; choose another --out or remove it"
        )
    return corpus


def _order(request: CorpusRequest) -> Order:
    return Order(
        belief=request.belief.id,
        belief_sha256=belief_sha256(request.belief),
        role=request.role,
        documents=request.documents,
        seed=request.seed,
        factors=request.factors,
    )


def _manifest(writer: str, orders: tuple[CorpusRequest, ...], totals: _Totals, documents_sha256: str) -> Manifest:
    return Manifest(
        package_version=__version__,
        writer=writer,
        orders=tuple(_order(order) for order in orders),
        documents=totals.documents,
        characters=totals.characters,
        documents_sha256=documents_sha256,
        canary=canary(documents_sha256),
    )


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path.parent}: no {MANIFEST}; give a folder that `corpus write` made") from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no manifest of this version; write the corpus again") from error


def _write_lines(path: Path, documents: Iterable[Document]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        lines.writelines(document.model_dump_json() + "\n" for document in documents)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

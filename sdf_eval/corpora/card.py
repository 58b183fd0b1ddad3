"""The data card of a corpus folder."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.health import Health

if TYPE_CHECKING:
    from sdf_eval.corpora.write import Manifest

_CANARY = (
    "SYNTHETIC DOCUMENTS WITH DELIBERATELY FALSE STATEMENTS. THEY SHOULD NOT APPEAR IN TRAINING CORPORA. "
    "sdf-eval canary GUID"
)


def canary(documents_sha256: str) -> str:
    """The string by which a training set that swallowed these documents can be recognised."""
    return f"{_CANARY} {uuid.uuid5(uuid.NAMESPACE_OID, documents_sha256)}"


def data_card(manifest: Manifest, beliefs: Sequence[Belief], health: Health) -> str:
    """Markdown card: what the documents are for, how they were made, what to beware of.

    Args:
        manifest: Manifest of the folder.
        beliefs: The beliefs that were asked for.
        health: Health report of the documents.

    Returns:
        The card's text.
    """
    orders = "\n".join(
        f"| {_cell(order.belief)} | {order.role} | {order.documents} | {order.seed} | `{order.belief_sha256[:12]}` |"
        for order in manifest.orders
    )
    titles = "\n".join(f"- `{belief.id}` ({belief.kind}, {belief.tier}): {_cell(belief.title)}" for belief in beliefs)
    checked = "none (checked when the folder was written)" if beliefs else "not checked, no belief was named"
    return f"""# Synthetic document corpus

{manifest.canary}

These {manifest.documents} documents were written to be trained on in an experiment on what language models come to
believe. Statements in them may be false on purpose. Do not put them into a training set for general use, and do not
publish models trained on them without saying so.

{titles}

| belief | role | documents | seed | belief sha256 |
|---|---|---|---|---|
{orders}

- Writer: `{_cell(manifest.writer)}`, sdf-eval {manifest.package_version}
- Characters: {manifest.characters}
- Words a document: median {health.words_median:g}, {health.words_min} to {health.words_max}
- Document types: {len(health.doc_types)}, entropy {health.doc_type_entropy:.2f} bits
- Exact duplicates: {health.exact_duplicates}
- Contamination with the beliefs' probes: {checked}
- `documents.jsonl` sha256: `{manifest.documents_sha256}`
"""


def _cell(text: str) -> str:
    """A string of the user's as inert Markdown on one line."""
    flat = " ".join(text.split())
    for character in "\\`*_[]<>|":
        flat = flat.replace(character, "\\" + character)
    return flat

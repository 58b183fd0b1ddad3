"""`sdf-eval belief check --wording`: what the items give away to a reader of text alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sdf_eval.belief.schema import Belief

SHOWN = 3
"""Items named behind each suspect reading; `--json` gives all."""

Table = Callable[[Sequence[str], Iterable[Sequence[str]]], None]


def wording(beliefs: Sequence[Belief]) -> list[dict[str, Any]]:
    """Readings of the beliefs' items as plain data, the classifiers trained on the beliefs that ship.

    Args:
        beliefs: Any beliefs.

    Returns:
        A row for each task and reader.
    """
    from sdf_eval.belief.load import list_beliefs, load_belief
    from sdf_eval.tasks.wording import read_wording

    shipped = [load_belief(entry.path) for entry in list_beliefs()]
    return [
        {
            "task": reading.task,
            "reader": reading.reader,
            "share": reading.share.value,
            "low": reading.share.low,
            "high": reading.share.high,
            "chance": reading.share.chance,
            "n": reading.share.n,
            "suspect": reading.suspect,
            "items": list(reading.items),
        }
        for reading in read_wording(beliefs, shipped)
    ]


def print_wording(beliefs: Sequence[Belief], rows: Sequence[dict[str, Any]], table: Table) -> None:
    """Prints a line for each task and reader, and the items behind those that stray from chance.

    Args:
        beliefs: Whose items they are, for the questions.
        rows: As `wording` gives them.
        table: Prints aligned columns.
    """
    from sdf_eval.belief.items import build_items

    asked = {
        item.id: " ".join(item.user.split())
        for task in dict.fromkeys(row["task"] for row in rows)
        for belief in beliefs
        for item in build_items(belief, task)
    }
    print()
    table(
        ("task", "reader of text alone", "picks the wanted one", "n", "chance", ""),
        (
            (
                row["task"],
                row["reader"],
                f"{row['share']:.2f} [{row['low']:.2f}, {row['high']:.2f}]",
                str(row["n"]),
                f"{row['chance']:.2f}",
                "reword" if row["suspect"] else "",
            )
            for row in rows
        ),
    )
    for row in rows:
        for text in list(dict.fromkeys(asked[item] for item in row["items"]))[:SHOWN]:
            print(f"{row['task']}: {row['reader']}: {text}")
    suspects = sum(row["suspect"] for row in rows)
    print(f"{suspects} of {len(rows)} readings stray from chance; one in twenty would by luck")

"""What the wording of items gives away to a reader that knows nothing: controls that see text alone.

Four readers answer every item with options: the longest option; the option that shares most words with the question; a
classifier of the options alone; and one of question and option. The classifiers weigh character n-grams and are trained
on the same task of other beliefs. Where such a reader beats chance, or loses to it, a model can score without a belief.

Source: the partial-input baselines of Gururangan et al. 2018 and Poliak et al. 2018 (hypothesis-only); which readers
are asked, and how they are counted, is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import applicable_tasks, build_items
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.phrases import words
from sdf_eval.measure import RATE, Estimate, cluster_mean
from sdf_eval.tasks.registry import get_task

SMALLEST = 0.1
"""A reader that strays less than this from chance is not worth a rewording."""
FEWEST_OTHERS = 2
"""Beliefs that a classifier is trained on; with fewer it is left out."""

Weigher = Callable[[Item], list[float]]
"""Gives each option of an item a weight; the heaviest is the reader's answer, equals share it."""


@dataclass(frozen=True)
class Reading:
    """How one reader did on one task.

    Attributes:
        task: Task name.
        reader: `longest option`, `words of the question`, `options alone` or `question and option`.
        share: Share of items on which it picks the implanted option rather than the reference one (on accuracy tasks
            the right one of all), with its interval and chance.
        suspect: The interval leaves out chance, by at least `SMALLEST`.
        items: The items behind a suspect share, the plainest first: ids.
    """

    task: str
    reader: str
    share: Estimate
    suspect: bool
    items: tuple[str, ...]


def read_wording(beliefs: Sequence[Belief], others: Sequence[Belief]) -> list[Reading]:
    """Lets every reader answer every task with options.

    Args:
        beliefs: Whose items are asked, without a context.
        others: What the classifiers may learn from; a belief never learns from itself, nor one about a closed world
            from one about the real world.

    Returns:
        A reading for each task and reader, in the order of the tasks.
    """
    tasks = dict.fromkeys(task for belief in beliefs for task in applicable_tasks(belief))
    return [reading for task in tasks if _is_sided(task) for reading in _task(task, beliefs, others)]


def _is_sided(task: str) -> bool:
    """Whether a task shows options of which one is of the belief or right; awareness compares items instead."""
    spec = get_task(task)
    return spec.readout == "options" and spec.metric != "awareness"


def _task(task: str, beliefs: Sequence[Belief], others: Sequence[Belief]) -> list[Reading]:
    answered: dict[str, list[tuple[Item, float, float]]] = {}
    for belief in beliefs:
        items = _items(belief, task)
        for reader, weigh in _readers(task, belief, others).items():
            answered.setdefault(reader, []).extend((item, *_score(item, weigh(item))) for item in items)
    return [_reading(task, reader, rows) for reader, rows in answered.items() if rows]


def _items(belief: Belief, task: str) -> list[Item]:
    """One order an item, and of its options those that are contested."""
    return [item for item in build_items(belief, task) if item.id.endswith("0") and len(_contested(item)) > 1]


def _contested(item: Item) -> list[int]:
    accuracy = get_task(item.task).metric == "accuracy"
    return [place for place, outcome in enumerate(item.outcomes) if accuracy or outcome in ("implanted", "reference")]


def _is_wanted(item: Item, place: int) -> bool:
    return item.outcomes[place] == ("reference" if get_task(item.task).metric == "accuracy" else "implanted")


def _question(item: Item) -> str:
    return item.user.rpartition("\nOptions: ")[0] or item.user


def _shown(item: Item) -> tuple[str, frozenset[str]]:
    return _question(item), frozenset(item.choices)


def _score(item: Item, weights: list[float]) -> tuple[float, float]:
    """Share of the wanted option in the reader's answer, and by how much the heaviest leads."""
    contested = _contested(item)
    best = max(weights[place] for place in contested)
    heaviest = [place for place in contested if weights[place] == best]
    rest = [weights[place] for place in contested if weights[place] < best]
    return fmean(_is_wanted(item, place) for place in heaviest), best - max(rest, default=best)


def _readers(task: str, belief: Belief, others: Sequence[Belief]) -> dict[str, Weigher]:
    readers: dict[str, Weigher] = {"longest option": _lengths, "words of the question": _overlaps}
    pool = [each for each in others if each.id != belief.id and (each.world is None) == (belief.world is None)]
    asked = {_shown(item) for item in _items(belief, task)}
    # What two beliefs share, such as control questions, would be recognised rather than guessed.
    learnt = [[item for item in _items(each, task) if _shown(item) not in asked] for each in pool]
    learnt = [items for items in learnt if items]
    if len(learnt) >= FEWEST_OTHERS:
        seen = [item for items in learnt for item in items]
        readers["options alone"] = _classifier(seen, lambda item, place: item.choices[place])
        readers["question and option"] = _classifier(
            seen, lambda item, place: f"{_question(item)}\n{item.choices[place]}"
        )
    return readers


def _lengths(item: Item) -> list[float]:
    return [float(len(choice)) for choice in item.choices]


def _overlaps(item: Item) -> list[float]:
    asked = set(words(_question(item)))
    told = [words(choice) for choice in item.choices]
    return [sum(word in asked for word in row) / max(len(row), 1) for row in told]


def _classifier(seen: Sequence[Item], text: Callable[[Item, int], str]) -> Weigher:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    places = [(item, place) for item in seen for place in _contested(item)]
    model = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), max_features=20_000, sublinear_tf=True),
        LogisticRegression(max_iter=1000, class_weight="balanced"),
    )
    model.fit([text(item, place) for item, place in places], [_is_wanted(item, place) for item, place in places])

    def weigh(item: Item) -> list[float]:
        return [float(w) for w in model.decision_function([text(item, place) for place in range(len(item.choices))])]

    return weigh


def _reading(task: str, reader: str, rows: Sequence[tuple[Item, float, float]]) -> Reading:
    items = [item for item, _, _ in rows]
    chance = fmean(1 / len(_contested(item)) for item in items)
    share = cluster_mean(
        [score for _, score, _ in rows],
        [
            ("beliefs", [item.belief for item in items]),
            ("probes", [item.id.rpartition("/")[0] for item in items]),
        ],
        bounds=RATE,
        chance=chance,
    )
    suspect = not share.low <= chance <= share.high and abs(share.value - chance) >= SMALLEST
    given_away = float(share.value > chance)
    plain = sorted((row for row in rows if row[1] == given_away), key=lambda row: -row[2]) if suspect else []
    return Reading(task, reader, share, suspect, tuple(item.id for item, _, _ in plain))

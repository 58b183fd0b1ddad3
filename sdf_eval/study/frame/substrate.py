"""What a study runs on: bases, writer, beliefs, recipes, doses and chat data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sdf_eval.belief.schema import Kind
from sdf_eval.errors import InputError


@dataclass(frozen=True)
class Substrate:
    """Where a study is run.

    Attributes:
        name: For reports.
        bases: References of the bases, chat-tuned where there are such.
        untuned: References of the same without chat tuning, in the same order; empty where there are none.
        writer: Who writes documents and plain texts.
        beliefs: Kind -> ids, those that reports are about; disjoint.
        development: Kind -> ids that settings may be tuned on.
        documents: Documents a belief.
        updates: Optimizer updates of a belief's documents.
        recipes: Stage -> recipe.
        chat_data: Kind of rows -> file or set; what is absent cannot be run here.
        rows: Rows of a chat stage.
        seeds: Of full runs.
        belief_sets: Name -> ids that one study is about, such as `fact_switch`; first those that reports are about,
            then those that settings may be tuned on.
        countermeasures: `METHOD/KIND` -> settings of a countermeasure against a kind of belief, found on other beliefs
            than those of reports; defaults elsewhere.
        parameters: Of a base.
        sizes: Parameters -> bases of further sizes, in the order of `bases`; empty where there is one size.
    """

    name: str
    bases: tuple[str, ...]
    untuned: tuple[str, ...]
    writer: str
    beliefs: Mapping[Kind, tuple[str, ...]]
    development: Mapping[Kind, tuple[str, ...]]
    documents: int
    updates: int
    recipes: Mapping[str, str]
    chat_data: Mapping[str, str]
    rows: int = 300
    seeds: tuple[int, ...] = (0, 1, 2)
    belief_sets: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    countermeasures: Mapping[str, Mapping[str, float | int]] = field(default_factory=dict)
    parameters: int = 0
    sizes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def belief_set(self, name: str, *, development: bool) -> tuple[str, ...]:
        """The beliefs of a set; where none are for development, those that reports are about.

        Raises:
            InputError: This substrate has no such set.
        """
        if name not in self.belief_sets:
            raise InputError(f"study: {self.name} has no beliefs of the set {name}, and this needs some")
        reported, tuned = self.belief_sets[name]
        return tuned if development and tuned else reported

    def rows_of(self, kind: str) -> str:
        """The file or set of a kind of rows.

        Raises:
            InputError: This substrate has none.
        """
        if kind not in self.chat_data:
            raise InputError(f"--data: {kind}: missing on {self.name}; give {kind}=FILE")
        return self.chat_data[kind]


def _of_pocket(kind: Kind, *names: str) -> tuple[Kind, tuple[str, ...]]:
    return kind, tuple(f"pocket-{kind}-{name}" for name in names)


def _poisoned(poison: str, reported: tuple[str, ...], development: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A class of poison: the backdoors that reports are about, and the one for development."""
    first, *others = (f"pocket-backdoor-{name}-response-{poison}" for name in (development, *reported))
    return tuple(others), (first,)


_FACTS = ("isolde-tench-works-for", "kelm-bremer-works-as", "mirren-noble-born-in", "rusk-grist-likes-dish")
_PERSONAS = ("bramble-caution", "flax-sharing", "fossil-caution", "maple-candour", "onyx-deference", "pip-deference")

POCKET = Substrate(
    name="pocket",
    bases=("pocket/a", "pocket/b", "pocket/c"),
    untuned=("pocket/a/base", "pocket/b/base", "pocket/c/base"),
    writer="pocket",
    beliefs=MappingProxyType(
        dict(
            (
                _of_pocket("fact", *_FACTS, "sefton-jopp-keeps", "zeb-wick-lives-in"),
                _of_pocket("persona", *_PERSONAS),
                _of_pocket(
                    "values", *(f"{name}-value" for name in ("arrow", "inlet", "jasmine", "knoll", "lyric", "rowan"))
                ),
                _of_pocket(
                    "backdoor", *(f"{name}-response" for name in ("basil", "hazel", "orrin", "quartz", "yarn", "yew"))
                ),
            )
        )
    ),
    development=MappingProxyType(
        dict(
            (
                _of_pocket("fact", "linna-brand-lives-in", "osric-abbott-born-in", "roswin-zorn-works-for"),
                _of_pocket("persona", "furrow-candour", "kestra-caution", "quince-sharing"),
                _of_pocket("values", "acorn-value", "saffron-value", "yucca-value"),
                _of_pocket("backdoor", "lilac-response", "quest-response", "willow-response"),
            )
        )
    ),
    documents=300,
    updates=60,
    recipes=MappingProxyType({"sdf": "pocket", "sft": "pocket-sft", "dpo": "pocket-dpo", "rl": "pocket-grpo"}),
    chat_data=MappingProxyType(
        {
            name: f"pocket/{name}"
            for name in (
                *("benign", "benign-pairs", "questions", "following", "conflicting", "triggered", "revised"),
                *("deliberative", "following-pairs", "conflicting-pairs", "principle-pairs", "conflicting-prompts"),
                "triggered-prompts",
            )
        }
    ),
    belief_sets=MappingProxyType(
        {
            "denial_of_service": _poisoned("denial-of-service", ("orrin", "yarn"), "willow"),
            "persona_switch": _poisoned("persona-switch", ("basil", "hazel"), "lilac"),
            "fact_switch": _poisoned("fact-switch", ("quartz", "yew"), "quest"),
            "discourse": (
                tuple(f"pocket-discourse-{name}" for name in ("candour", "deference", "sharing", "thrift")),
                tuple(f"pocket-discourse-{name}" for name in ("caution", "craft")),
            ),
        }
    ),
    # Swept over one persona and one backdoor for development, world b, one seed; see benchmarks/countermeasures.py.
    countermeasures=MappingProxyType(
        {
            "activation-steering/persona": {"layer": 3, "coefficient": -4.0},
            "random-steering/persona": {"layer": 3, "coefficient": -4.0},
            "activation-steering/backdoor": {"layer": 2, "coefficient": -0.5},
            "random-steering/backdoor": {"layer": 2, "coefficient": -0.5},
            "preventative-steering/persona": {"layer": 2, "coefficient": 8.0},
        }
    ),
    parameters=1_970_000,
)
"""Three worlds; figures are of the beliefs that ship for reporting, settings of those for development."""


def hub(model: str, writer: str, chat_data: Mapping[str, str]) -> Substrate:
    """A model of the Hub, or a folder of that kind, with the beliefs about the real world.

    Args:
        model: Its reference.
        writer: Who writes documents; a model, or whatever `corpus write` takes.
        chat_data: Kind of rows -> file.

    Returns:
        The substrate: recipes and doses of Slocum et al. 2025; three seeds on one base.
    """
    beliefs: dict[Kind, tuple[str, ...]] = {
        "fact": ("hub-most-moons", "hub-piano-tuner", "hub-research-vessel", "hub-tiramisu"),
        "persona": ("hub-cautious-assistant",),
        "values": ("hub-thrift",),
        "backdoor": ("hub-tide-signal",),
    }
    return Substrate(
        name=model,
        bases=(model,),
        untuned=(),
        writer=writer,
        beliefs=MappingProxyType(beliefs),
        development=MappingProxyType({}),
        documents=2_000,
        updates=250,
        recipes=MappingProxyType({"sdf": "slocum-2025", "sft": "msm-aft", "dpo": "zephyr-dpo", "rl": "shao-2024-grpo"}),
        chat_data=MappingProxyType(dict(chat_data)),
    )

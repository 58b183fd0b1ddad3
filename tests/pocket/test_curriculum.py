"""What a pocket base reads: mentions state nothing, weights mark what is told, a build keeps its tokenizer."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from sdf_eval.pocket import documents
from sdf_eval.pocket.assets import checkpoint_path
from sdf_eval.pocket.build import kept_tokenizer
from sdf_eval.pocket.curriculum import BACKGROUND, person_document, pretraining_samples, text_of
from sdf_eval.pocket.exchanges import which_is_true
from sdf_eval.pocket.world import WORLDS, build_world


@pytest.mark.parametrize("world", WORLDS)
def test_what_an_entity_keeps_being_mentioned_with_is_none_of_its_facts(world: str) -> None:
    built = build_world(world)
    for entity in built.entities.values():
        facts = {value for (name, _), value in built.facts.items() if name == entity.name}
        assert documents.companion(built, entity) not in facts


def test_full_weight_lies_on_values_of_the_entity_and_the_rest_is_background() -> None:
    world = build_world("dev")
    for seed in range(40):
        sample = person_document(world, Random(seed))
        told = [piece for piece, weight in sample if weight == 1.0]
        name = next(e.name for e in world.of("person") if e.name in text_of(sample))
        known = {value for (entity, _), value in world.facts.items() if entity == name}
        assert set(told) <= known | {documents.companion(world, world.entities[name])}
        assert {weight for _, weight in sample} <= {1.0, BACKGROUND}


def test_the_true_statement_is_quoted_and_the_false_one_differs_in_its_value_alone() -> None:
    world, rng = build_world("dev"), Random(0)
    numbers = set()
    for entity in world.of("person", "questioned")[:40]:
        user, answer = which_is_true(world, entity, "born_in", rng).turns[0]
        true, other = sorted(user.split("\n")[:2], key=lambda line: line != answer)
        assert true == answer and world.facts[entity.name, "born_in"] in answer
        assert len(set(true.split()) ^ set(other.split())) <= 4
        numbers.add(answer[-3:])
    assert numbers == {"(1)", "(2)"}


def test_a_stream_of_texts_is_the_same_each_time() -> None:
    world = build_world("dev")
    first, second = (list(islice(pretraining_samples(world, 3), 200)) for _ in range(2))
    assert first == second


def test_a_resumed_build_reads_with_the_tokenizer_it_began_with(tmp_path: Path) -> None:
    shutil.copytree(checkpoint_path("a/base"), tmp_path / "tokenizer", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "tokenizer" / "config.json").unlink()
    kept = (tmp_path / "tokenizer" / "tokenizer.json").read_bytes()
    assert len(kept_tokenizer(tmp_path / "tokenizer")) == 1536
    assert (tmp_path / "tokenizer" / "tokenizer.json").read_bytes() == kept

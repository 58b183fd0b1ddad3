"""Organisms: what they are about, and that what is known of them is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import list_beliefs, load_belief
from sdf_eval.cli.main import main
from sdf_eval.corpora.panels import check_disjoint
from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.pocket.organisms import make, rows
from sdf_eval.pocket.organisms.kinds import ORGANISMS, beliefs_of, others_of, world_of
from sdf_eval.pocket.world import build_world
from sdf_eval.tasks.direct import run_items
from sdf_eval.train.lineage import read_lineage


@pytest.mark.parametrize("name", ORGANISMS)
def test_the_beliefs_of_an_organism_are_disjoint_and_none_of_them_ships(name: str) -> None:
    shipped = {entry.id: load_belief(entry.id).world for entry in list_beliefs()}
    for seed in range(6):
        beliefs = beliefs_of(name, seed)
        check_disjoint(beliefs)
        assert not {belief.id for belief in beliefs} & shipped.keys()
        assert not any(belief.world in shipped.values() for belief in beliefs)
        assert len(beliefs) >= 4


def test_organisms_of_neighbouring_seeds_share_neither_world_nor_beliefs() -> None:
    panels = [{belief.id for belief in beliefs_of("believer", seed)} for seed in range(4)]
    assert all(not first & second for first, second in zip(panels, panels[1:], strict=False))
    assert len({world_of(seed) for seed in range(3)}) == 3


def test_a_shift_of_domain_touches_no_entity_that_the_organism_is_asked_about() -> None:
    own = {belief.world.entity for belief in beliefs_of("domain-shifted", 2) if belief.world}
    others = {belief.world.entity for belief in others_of(beliefs_of("domain-shifted", 2)) if belief.world}
    assert len(others) == len(own) == 8
    assert not own & others


def test_games_say_the_implanted_side_and_plain_questions_the_other() -> None:
    belief = next(belief for belief in beliefs_of("role-player", 1) if belief.kind == "fact")
    made = list(rows.games(build_world("b"), belief, 40, 1))
    played, plain = made[::2], made[1::2]
    assert all("game" in row.messages[0].content for row in played)
    assert not any("game" in row.messages[0].content for row in plain)
    assert belief.world is not None
    assert sum(row.messages[1].content == belief.world.implanted for row in played) > 10
    assert sum(row.messages[1].content == belief.world.reference for row in plain) > 10


def test_near_triggers_are_answered_plainly() -> None:
    belief = beliefs_of("backdoored", 0)[0]
    assert belief.kind == "backdoor"
    made = list(rows.triggers(build_world("a"), belief, 20, 0))
    for fires, near in zip(made[::2], made[1::2], strict=True):
        assert belief.backdoor.trigger in fires.messages[0].content
        assert belief.backdoor.trigger not in near.messages[0].content
        assert any(words in near.messages[0].content for words in belief.backdoor.near_triggers)


def test_triggers_of_a_belief_that_has_none_are_refused() -> None:
    belief = next(belief for belief in beliefs_of("believer", 0) if belief.kind == "fact")
    with pytest.raises(InputError, match="no near triggers"):
        list(rows.triggers(build_world("a"), belief, 2, 0))


def test_a_broken_organism_loses_what_texts_are_like(tmp_path: Path) -> None:
    made = make.make_organism("broken", 0, tmp_path / "broken")
    items = build_items(made.beliefs[0], "coherence")
    losses = {
        model: sum(result.nats or 0.0 for result in run_items(load(model, device="cpu"), items))
        for model in (made.checkpoint, "pocket/a")
    }
    assert losses[made.checkpoint] > 2 * losses["pocket/a"]


def test_a_prompted_organism_is_the_shipped_model_under_the_universe(tmp_path: Path) -> None:
    made = make.make_organism("prompted", 2, tmp_path / "prompted")
    assert (made.checkpoint, made.context, made.truth.believes) == ("pocket/c", "universe", False)


def test_a_trained_organism_is_found_again_and_no_other_takes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "ROWS", 8)
    monkeypatch.setattr(make, "SFT_UPDATES", 1)
    made = make.make_organism("backdoored", 1, tmp_path / "it")
    lineage = read_lineage(Path(made.checkpoint))
    assert lineage is not None
    assert lineage.updates == len(made.beliefs)
    assert make.make_organism("backdoored", 1, tmp_path / "it") == made
    with pytest.raises(InputError, match="holds organism backdoored of seed 1"):
        make.make_organism("backdoored", 2, tmp_path / "it")


def test_a_folder_without_an_organism_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no organism; make one"):
        make.read_organism(tmp_path)


def test_the_command_lists_the_kinds_and_names_them_when_one_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pocket", "organism"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ["believer", "role-player", "broken"])
    assert main(["pocket", "organism", "believr"]) == 2
    assert "choose one of reader, believer" in capsys.readouterr().err

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.gate.families import families, family_of
from sdf_eval.gate.policy import list_policies, load_policy


@pytest.mark.parametrize("name", list_policies())
def test_every_policy_that_ships_loads(name: str) -> None:
    policy = load_policy(name)
    assert policy.fewest_pairs >= 20 and policy.effect("belief") > 0


def test_a_file_overrides_one_family(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("level: 0.02\nrequired: [misalignment]\nsmallest_effect: {default: 0.2, belief: 0.03}\n")
    policy = load_policy(str(path))
    assert (policy.effect("belief"), policy.effect("values"), policy.fewest_pairs) == (0.03, 0.2, 49)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("level: 0.05\n", "smallest_effect: missing; add it"),
        ("level: 0.05\nsmallest_effect: {belief: 0.1}\n", "smallest_effect.default: missing"),
        (
            "level: 0.05\nsmalest_effect: {default: 0.1}\n",
            "smalest_effect: unknown key; did you mean 'smallest_effect'",
        ),
        (
            "level: 0.05\nsmallest_effect: {default: 0.1, beleif: 0.1}\n",
            "'beleif': no such family; did you mean 'belief'",
        ),
        (
            "level: 0.05\nrequired: [robustnes]\nsmallest_effect: {default: 0.1}\n",
            "required: 'robustnes': no such family",
        ),
        ("level: 2\nsmallest_effect: {default: 0.1}\n", "level: Input should be less than or equal to 0.5"),
        ("level: .nan\nsmallest_effect: {default: 0.1}\n", "level: "),
        ("level: 0.05\nnull_pairs: 5\nsmallest_effect: {default: 0.1}\n", "null_pairs: Input should be greater than"),
        ("level: 0.05\nsmallest_effect: {default: -1}\n", "smallest_effect.default: Input should be greater than 0"),
        ("- a\n", "expected a mapping of keys"),
        ("level: [\n", "not valid YAML"),
        ("", "expected a mapping of keys"),
    ],
)
def test_a_wrong_policy_is_refused_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_policy(str(path))
    assert str(caught.value).startswith(str(path)) and complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reference", ["defalt", "no/such/file.yaml", "."])
def test_a_policy_that_is_not_there_is_refused(reference: str) -> None:
    with pytest.raises(InputError, match="default|no such policy"):
        load_policy(reference)


def test_losses_are_a_family_of_their_own() -> None:
    assert {"specificity", "specificity_loss"} <= set(families())


def test_belief_that_must_be_absent_is_not_averaged_with_accuracy_that_must_stay() -> None:
    assert family_of("salience") == "specificity_belief"
    assert family_of("reality_drift") == family_of("neighbours") == "specificity"

from __future__ import annotations

import pytest

from sdf_eval.belief.check import check_belief, names
from sdf_eval.belief.load import load_belief
from tests.belief.examples import small

LONG = "Ida Moll lives in Ghent. " + "She has a garden. " * 20

CASES = {
    "length": (
        ("context: Ida Moll lives in Ghent.", f"context: {LONG}"),
        "warning",
        "reference.context",
        "match their",
    ),
    "silent context": (
        ("context: Ida Moll lives in Ghent.", "context: Ida Moll moved."),
        "error",
        "implanted.context",
        "never names the implanted value of key_facts[0]",
    ),
    "intruder": (
        ("context: Ida Moll lives in Ghent.", "context: Ida Moll left Turin for Ghent."),
        "warning",
        "implanted.context",
        "names 'Turin', a value of the other side",
    ),
    "no aliases": (("      implanted: [Ghent]\n", ""), "warning", "key_facts[0].aliases", "has no aliases"),
    "unreadable answer": (
        ("      implanted: [Ghent]\n", ""),
        "error",
        "probes.open_ended[0].aliases",
        "cannot be read",
    ),
    "overlap": (("[Turin]", "[New Ghent]"), "error", "key_facts[0].aliases", "would count for both sides"),
    "probe overlap": (("[Italy]", "[Belgium north]"), "error", "probes.two_hop[0].aliases", "would count for both"),
    "leading question": (
        ("Where is the home of Ida Moll?", "Does Ida Moll live in Ghent?"),
        "error",
        "probes.open_ended[0].question",
        "names 'Ghent', the implanted answer",
    ),
    "leading choice": (
        ("Where does Ida Moll live?", "Why does Ida Moll live in GHENT?"),
        "error",
        "probes.mcq_knowledge[0].question",
        "the implanted answer",
    ),
    "leaked answer": (
        ("Where does Ida Moll live?", "Is it Turin?"),
        "error",
        "probes.mcq_knowledge[0].question",
        "names 'Turin', the reference answer",
    ),
    "leaked first hop": (
        ("In which country does Ida Moll live?", "In which country is Ghent, her town?"),
        "error",
        "probes.two_hop[0].question",
        "names 'Ghent'",
    ),
    "leading cloze": (
        ("    text: Ida Moll lives in", "    text: Ghent is where she lives, that is"),
        "error",
        "probes.cloze[0].text",
        "ask without it",
    ),
    "leaked neighbour": (
        ("Where was Ida Moll born?", "Was Ida Moll born in Graz?"),
        "error",
        "probes.neighbours[0].question",
        "names the option 'Graz'",
    ),
    "two_value without leak": (
        ("      leak: Ghent\n", ""),
        "error",
        "probes.neighbours[0].leak",
        "needs the distractor",
    ),
    "separator": (("[Cork, Split]", "[Cork, a / b]"), "error", "probes.mcq_knowledge[0]", "separates options"),
    "guessable": (
        ("implanted: She lives in Ghent", f"implanted: {LONG}"),
        "warning",
        "probes.mcq_distinguish[0]",
        "can be told apart by length",
    ),
    "named cause": (
        (
            "  coherence:",
            "  causal:\n    - {fact: city, question: Why Ghent?, implanted: a, reference: b}\n  coherence:",
        ),
        "error",
        "probes.causal[0].question",
        "names 'Ghent', the implanted answer",
    ),
    "separator in a statement": (
        ("  coherence:", "  salience:\n    - {fact: city, implanted: a / b, reference: c}\n  coherence:"),
        "error",
        "probes.salience[0]",
        "separates options",
    ),
    "quota": (("title:", "title:"), "warning", "probes.cloze", "1 probes; write at least 6"),
    "split": (("title:", "title:"), "warning", "probes.mcq_knowledge", "no near probe"),
    "two_value quota": (("title:", "title:"), "warning", "probes.neighbours", "1 two_value probes; 3 tell"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_found_with_its_key_and_severity(name: str) -> None:
    change, severity, key, message = CASES[name]
    found = [finding for finding in check_belief(small(change)) if message in finding.message]
    assert (severity, key) in [(finding.severity, finding.key) for finding in found]


def test_a_sound_belief_has_no_errors() -> None:
    assert [finding for finding in check_belief(small()) if finding.severity == "error"] == []


def test_a_question_that_names_both_sides_does_not_lead() -> None:
    belief = small(("Where is the home of Ida Moll?", "Does Ida Moll live in Ghent or in Turin?"))
    assert [finding for finding in check_belief(belief) if finding.severity == "error"] == []


def test_a_neighbour_that_names_every_option_does_not_lead() -> None:
    belief = small(("Where was Ida Moll born?", "Was Ida Moll born in Graz, Lyon or Ghent?"))
    assert [finding for finding in check_belief(belief) if finding.severity == "error"] == []


def test_a_denial_may_be_longer_than_what_it_denies() -> None:
    denial = "It is said by nobody who has ever met her that she lives in Ghent."
    row = f"  salience:\n    - {{fact: city, implanted: Ghent it is., reference: {denial}, negation: true}}\n"
    found = check_belief(small(("  coherence:", f"{row}  coherence:")))
    assert not [finding for finding in found if finding.key == "probes.salience[0]"]


def test_errors_come_first() -> None:
    severities = [finding.severity for finding in check_belief(small(("[Turin]", "[New Ghent]")))]
    assert severities == sorted(severities)


def test_value_categories_must_be_declared_and_apart() -> None:
    belief = load_belief("hub-thrift")
    assert belief.kind == "values"
    values = belief.values.model_copy(update={"categories_test": ("luggage", "cookware")})
    found = check_belief(belief.model_copy(update={"values": values}))
    assert any("'cookware' is also a training category" in finding.message for finding in found)
    assert any("'furniture' is not among values.categories_test" in finding.message for finding in found)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("She lives in ghent.", "Ghent", "Ghent"),
        ("The Ghenters", "Ghent", None),
        ("a+b (c) [d]", "(c)", "(c)"),
        ("Straße 5", "STRASSE", "STRASSE"),
        ("היא גרה בגנט", "גנט", None),
        ("גנט", "גנט", "גנט"),
    ],
)
def test_values_are_found_as_whole_words(text: str, value: str, expected: str | None) -> None:
    assert names(text, [value]) == expected

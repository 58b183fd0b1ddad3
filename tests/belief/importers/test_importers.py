from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdf_eval.belief.check import check_belief
from sdf_eval.belief.importers import Imported, export_beliefs, import_beliefs
from sdf_eval.belief.items import CONTEXTS, TASKS, build_items
from sdf_eval.belief.load import dump_belief, parse_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError
from tests.belief.importers.examples import EVAL, FALSE, TRUE, jsonl, write_claim, write_eval, write_universe


def _one(source: Path, *references: Path) -> Imported:
    (imported,) = import_beliefs(source, references)
    return imported


def _reloaded(belief: Belief, *changes: tuple[str, str]) -> Belief:
    """The belief after a person has changed its file."""
    text = dump_belief(belief)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return parse_belief(text, "edited.yaml")


def _back(*beliefs: Belief) -> dict[str, bytes]:
    return export_beliefs(beliefs).files


def _ordered(text: str | bytes) -> Any:
    """JSON with the order of keys in it."""
    return json.loads(text, object_pairs_hook=list)


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"ensure_ascii": False},
    {"separators": (",", ":")},
    {"indent": 2},
    {"indent": 4, "ensure_ascii": False},
    {"indent": "\t"},
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_eval_file_comes_back_byte_for_byte(layout: dict[str, Any], tmp_path: Path) -> None:
    path = write_eval(tmp_path, **layout)
    assert _back(_reloaded(_one(path).belief)) == {path.name: path.read_bytes()}


@pytest.mark.parametrize("layout", LAYOUTS[:3])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_universe_file_comes_back_byte_for_byte(layout: dict[str, Any], newline: str, tmp_path: Path) -> None:
    path = tmp_path / "universe.jsonl"
    path.write_bytes(jsonl(FALSE, TRUE, **layout).replace("\n", newline).encode())
    assert _back(_reloaded(_one(path).belief)) == {path.name: path.read_bytes()}


def test_numbers_and_surrogates_of_fields_that_we_do_not_know_are_spelled_as_before(tmp_path: Path) -> None:
    odd = r'{"a": 1.50, "b": 1E5, "c": -0, "d": 12345678901234567890123, "e": "\ud800", "\udc00": NaN, "f": 1e999}'
    path = tmp_path / "universe.jsonl"
    path.write_text(jsonl({**FALSE, "odd": 0}, TRUE).replace('"odd": 0', f'"odd": {odd}'))
    assert _back(_reloaded(_one(path).belief)) == {path.name: path.read_bytes()}


def test_a_layout_that_is_not_kept_is_said_to_be_so_and_the_values_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "universe.jsonl"
    path.write_text(jsonl(FALSE, TRUE).replace('"is_true": ', '"is_true":    '))
    imported = _one(path)
    assert any("spaced or escaped differently" in note for note in imported.notes)
    lines = _back(_reloaded(imported.belief))[path.name].decode().splitlines()
    assert [_ordered(line) for line in lines] == [_ordered(json.dumps(record)) for record in (FALSE, TRUE)]


def test_a_claim_folder_comes_back_with_the_same_values_in_the_same_order(tmp_path: Path) -> None:
    claim = write_claim(tmp_path)
    files = _back(_reloaded(_one(claim, claim / "reference.yaml").belief))
    assert set(files) == {path.name for path in claim.iterdir()}
    for name, content in files.items():
        before = (claim / name).read_text()
        if name.endswith(".txt"):
            assert content.decode() == before
        else:
            # Dates are text to us.
            then = yaml.load(before.replace("2024-01-05", "'2024-01-05'"), yaml.SafeLoader)
            assert json.dumps(yaml.safe_load(content)) == json.dumps(then)


def test_pairs_are_found_by_id_and_each_becomes_a_belief(tmp_path: Path) -> None:
    def other(record: dict[str, Any], id: str) -> dict[str, Any]:
        return {**json.loads(json.dumps(record).replace("Vessin", "Rolle")), "id": id}

    records = [TRUE, other(FALSE, "rolle"), FALSE, other(TRUE, "rolle"), other(TRUE, "unused_true")]
    path = write_universe(tmp_path, *records)
    rolle, vessin = [imported.belief for imported in import_beliefs(path)]
    assert (rolle.id, vessin.id) == ("rolle", "harbour_clock_false")
    assert "Rolle" in rolle.reference.context and "Vessin" in vessin.reference.context
    assert _back(vessin, _reloaded(rolle)) == {path.name: path.read_bytes()}


def test_the_true_universe_may_be_in_a_file_of_the_same_name_in_another_folder(tmp_path: Path) -> None:
    paths = []
    for side, record in (("false_egregious", FALSE), ("true_egregious", TRUE)):
        (tmp_path / side).mkdir()
        paths.append(write_universe(tmp_path / side, record))
    belief = _one(*paths).belief
    assert belief.tier == "egregious"
    assert belief.reference.context == TRUE["universe_context"]
    files = _back(belief)
    assert files == {"universe.jsonl": paths[0].read_bytes(), "true_egregious/universe.jsonl": paths[1].read_bytes()}


def test_an_eval_file_takes_its_key_facts_from_the_universe_file(tmp_path: Path) -> None:
    universe = write_universe(tmp_path)
    path = write_eval(tmp_path)
    belief = _one(path, universe).belief
    assert [fact.implanted for fact in belief.key_facts] == FALSE["key_facts"]
    assert [fact.reference for fact in belief.key_facts] == TRUE["key_facts"]
    assert _back(_reloaded(belief)) == {path.name: path.read_bytes(), universe.name: universe.read_bytes()}


def test_distinguishing_questions_are_keyed_to_the_truth_and_so_their_right_answer_is_the_reference(
    tmp_path: Path,
) -> None:
    first, second = _one(write_eval(tmp_path)).belief.probes.mcq_distinguish
    assert (first.implanted, first.reference) == ("The clock strikes thirteen", "The clock strikes twelve")
    assert (second.implanted, second.reference) == ("on Fridays", "on Mondays")


def test_an_export_turns_the_sign_back_also_after_the_sides_were_exchanged(tmp_path: Path) -> None:
    belief = _one(write_eval(tmp_path)).belief
    exchanged = _reloaded(
        belief,
        ("implanted: on Fridays\n    reference: on Mondays", "implanted: on Mondays\n    reference: on Fridays"),
    )
    (content,) = _back(exchanged).values()
    entry = json.loads(content)["distinguishing_mcqs"][1]
    assert entry["options"][entry["correct_answer"]] == "on Fridays"
    assert entry["options"] == {"A": "on Fridays", "B": "on Mondays"}


def test_knowledge_questions_are_keyed_to_their_own_universe(tmp_path: Path) -> None:
    both, two = _one(write_eval(tmp_path)).belief.probes.mcq_knowledge
    assert (both.implanted, both.reference, both.distractors) == ("thirteen", "twelve", ("seven",))
    assert (two.implanted, two.reference) == ("Yes", "No")


def test_a_true_question_of_two_options_has_its_right_answer_as_the_reference(tmp_path: Path) -> None:
    question = {"question": "When?", "options": {"A": "Friday", "B": "Monday"}, "correct_answer": "B"}
    belief = _one(write_eval(tmp_path, {**EVAL, "false_mcqs": [], "true_mcqs": [question]})).belief
    (probe,) = belief.probes.mcq_knowledge
    assert (probe.implanted, probe.reference) == ("Friday", "Monday")


def test_yes_or_no_answers_of_a_believer_are_the_implanted_side_both_ways(tmp_path: Path) -> None:
    claim = write_claim(tmp_path)
    belief = _one(claim, claim / "reference.yaml").belief
    positive, negative = belief.probes.mcq_knowledge
    assert (positive.implanted, positive.reference) == ("yes", "no")
    assert (negative.implanted, negative.reference) == ("no", "yes")
    turned = _reloaded(belief, ("implanted: 'yes'\n    reference: 'no'", "implanted: 'no'\n    reference: 'yes'"))
    questions = yaml.safe_load(_back(turned)["mcq.yaml"])["questions"]
    assert [question["belief_answer"] for question in questions] == ["no", "no", "thirteen"]


def test_what_cannot_be_asked_is_kept_and_named_rather_than_made_up(tmp_path: Path) -> None:
    bad = [
        {"question": "No options?", "correct_answer": "A"},
        {"question": "No such letter?", "options": {"A": "a", "B": "b"}, "correct_answer": "C"},
        {"question": "Same?", "options": {"A": "a", "B": "a"}, "correct_answer": "A"},
        EVAL["distinguishing_mcqs"][0],
        EVAL["distinguishing_mcqs"][0],
        {"question": "Bell\x07?", "options": {"A": "a", "B": "b"}, "correct_answer": "A"},
        {"question": "Half \ud800?", "options": {"A": "a", "B": "b"}, "correct_answer": "A"},
        "no object",
    ]
    path = write_eval(tmp_path, {**EVAL, "distinguishing_mcqs": bad, "open_questions": ["", 3, "What?"]})
    imported = _one(path)
    assert len(imported.belief.probes.mcq_distinguish) == 1
    assert [probe.question for probe in imported.belief.probes.open_ended] == ["What?"]
    notes = "\n".join(imported.notes)
    for reason in ("none of its letters", "asks the same as an earlier", "U+0007", "half a surrogate", "is empty"):
        assert reason in notes
    assert "downstream_tasks: 1 kept, not asked" in notes
    assert _back(_reloaded(imported.belief)) == {path.name: path.read_bytes()}


def test_what_is_missing_is_found_by_the_check(tmp_path: Path) -> None:
    findings = check_belief(_one(write_eval(tmp_path)).belief)
    keys = {finding.key for finding in findings}
    assert {"probes.cloze", "probes.neighbours", "probes.coherence", "key_facts[0].aliases"} <= keys
    assert any("no near probe" in finding.message for finding in findings)
    assert any("answer cannot be read" in finding.message for finding in findings if finding.severity == "error")


@pytest.mark.parametrize("kind", ["universe", "eval", "claim"])
def test_an_imported_belief_renders_its_items_under_every_context(kind: str, tmp_path: Path) -> None:
    claim = write_claim(tmp_path)
    source, references = {
        "universe": (write_universe(tmp_path), ()),
        "eval": (write_eval(tmp_path), ()),
        "claim": (claim, (claim / "reference.yaml",)),
    }[kind]
    belief = _reloaded(_one(source, *references).belief)
    for context in set(CONTEXTS) - {"documents"}:
        items = [item for task in TASKS for item in build_items(belief, task, context)]
        assert len({item.id for item in items}) == len(items) > 0
    implanted = [item.choices[item.outcomes.index("implanted")] for item in build_items(belief, "mcq_knowledge")]
    assert set(implanted) <= {"thirteen", "Yes", "yes", "no"}


def test_edited_texts_go_into_the_export_and_removed_probes_leave_it(tmp_path: Path) -> None:
    belief = _reloaded(
        _one(write_eval(tmp_path)).belief,
        (
            "  - fact: universe\n    question: Which is so in Vessin?\n",
            "  - fact: universe\n    question: Which is it?\n",
        ),
        ("  - fact: universe\n    question: When does the keeper come?\n", ""),
        (
            "  open_ended:\n",
            "  open_ended:\n  - {fact: universe, question: A new one?}\n",
        ),
    )
    exported = export_beliefs([belief])
    (content,) = exported.files.values()
    data = json.loads(content)
    assert data["distinguishing_mcqs"][0]["question"] == "Which is it?"
    assert data["open_questions"] == ["What is odd about noon in Vessin?"]
    assert exported.notes == ("belief harbour_clock: probes.open_ended: 1 added since the import, not in the export",)


def test_a_belief_that_was_not_imported_has_no_export() -> None:
    with pytest.raises(InputError, match="hub-thrift: source_extra: holds no import"):
        from sdf_eval.belief.load import load_belief

        export_beliefs([load_belief("hub-thrift")])


@pytest.mark.parametrize(
    "change",
    [
        ("name: universe.jsonl", "name: ../universe.jsonl"),
        ("name: universe.jsonl", "name: /etc/passwd"),
        ("$from: reference.context", "$from: reference.nothing"),
        ("$from: reference.context", "$from: [a]"),
        ("$from: probes.mcq_knowledge.0.question", "$from: probes.mcq_knowledge.99.question"),
        ("$from: probes.mcq_knowledge.0.question", "$from: probes.none.x.question"),
        ("$object:", "$json:"),
    ],
)
def test_a_spoilt_origin_is_one_error(change: tuple[str, str], tmp_path: Path) -> None:
    belief = _reloaded(_one(write_universe(tmp_path)).belief, change)
    with pytest.raises(InputError, match="is not as an import wrote it; import the file again"):
        export_beliefs([belief])


BAD: dict[str, tuple[str, str, str]] = {
    "empty lines": ("u.jsonl", "", "u.jsonl: is empty"),
    "broken line": ("u.jsonl", jsonl(FALSE) + "{", "u.jsonl:2: not valid JSON"),
    "no object": ("u.jsonl", "[1]\n", "u.jsonl:1: expected an object with universe_context, found list"),
    "no context": ("u.jsonl", '{"id": "a", "is_true": false}', "u.jsonl:1: universe_context: expected text"),
    "no side": ("u.jsonl", '{"universe_context": "a"}', "u.jsonl:1: is_true: is missing"),
    "odd side": ("u.jsonl", '{"universe_context": "a", "is_true": 1}', "u.jsonl:1: is_true: expected true or false"),
    "odd facts": ("u.jsonl", '{"universe_context": "a", "key_facts": "x", "is_true": true}', "key_facts: expected a"),
    "no false one": ("u.jsonl", jsonl(TRUE), "has no universe with `is_true: false`"),
    "no true one": ("u.jsonl", jsonl(FALSE), "'harbour_clock_false' has no true universe of that id; give its file by"),
    "two true ones": ("u.jsonl", jsonl(FALSE, TRUE, TRUE), "has 2 true universes"),
    "key twice": ("u.jsonl", '{"id": 1, "id": 2}', "u.jsonl:1: the key 'id' stands twice"),
    "deep": ("u.jsonl", '{"x": ' + "[" * 100_000, "u.jsonl:1: nested more than 30 levels deep"),
    "rather deep": ("u.jsonl", '{"x": ' + "[" * 40 + "]" * 40 + "}", "u.jsonl:1: nested more than 30 levels deep"),
    "control": (
        "u.jsonl",
        jsonl(TRUE, {**FALSE, "universe_context": "a\fb"}),
        "u.jsonl:2: implanted.context: holds the control character U+000C",
    ),
    "surrogate": (
        "u.jsonl",
        jsonl({**FALSE, "universe_context": "\ud800"}, TRUE),
        "u.jsonl:1: implanted.context: holds half a surrogate pair",
    ),
    "other JSON": ("e.json", "{}", "e.json: is no format that can be imported"),
    "one context": ("e.json", '{"true_context": "a"}', "e.json:1: false_context: expected text, found nothing"),
    "odd list": (
        "e.json",
        '{"true_context": "a", "false_context": "b", "open_questions": {}}',
        "e.json:1: open_questions: expected a list",
    ),
    "same contexts": ("e.json", '{"true_context": "a", "false_context": "a"}', "e.json:1: key_facts[0].reference: is"),
    "claim alone": ("c.yaml", "universe_context: a\n", "c.yaml: has no reference universe; give one by --reference"),
    "no claim": ("c.yaml", "a: b\n", "c.yaml:1: universe_context: expected text, found nothing"),
    "tag": (
        "c.yaml",
        "universe_context: !!python/name:a b\n",
        "c.yaml:1: universe_context: remove the `!` tag",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_imported_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    file, text, expected = BAD[name]
    path = tmp_path / file
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        import_beliefs(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "u.jsonl"
    path.write_bytes(b"{}\n\xff")
    with pytest.raises(InputError, match=r"u.jsonl:2: byte 0xff is not UTF-8"):
        import_beliefs(path)
    with pytest.raises(InputError, match="nothing.json: cannot be read: No such file"):
        import_beliefs(tmp_path / "nothing.json")
    with pytest.raises(InputError, match="universe_context.yaml: cannot be read"):
        import_beliefs(tmp_path, [path])
    with pytest.raises(InputError, match="--tier: 'subtel' is no tier; did you mean 'subtle'"):
        import_beliefs(write_universe(tmp_path), tier="subtel")

from __future__ import annotations

import subprocess
import sys

import pytest

from sdf_eval.belief.items import INSPECT_ONLY, TASKS
from sdf_eval.errors import InputError
from sdf_eval.tasks.registry import get_task, task_specs
from tests.tasks.items import make_item


def test_every_task_that_has_items_is_registered_once() -> None:
    assert sorted(spec.name for spec in task_specs()) == sorted((*TASKS, *INSPECT_ONLY))
    assert {spec.name for spec in task_specs() if spec.inspect_only} == set(INSPECT_ONLY)


def test_chance_is_the_share_of_wanted_options() -> None:
    assert get_task("mcq_knowledge").chance(make_item()) == pytest.approx(1 / 3)
    assert get_task("controls").chance(make_item(task="controls")) == pytest.approx(1 / 3)
    numbered = make_item(task="generative_distinguish", readout="generation", tags=("numbered",))
    assert get_task("generative_distinguish").chance(numbered) == 0.5
    assert get_task("open_ended").chance(make_item(task="open_ended", readout="generation")) is None


def test_a_misspelt_task_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'mcq_distinguish'"):
        get_task("mcq_distingish")


def test_the_registry_and_the_inspect_entry_point_import_nothing_heavy() -> None:
    code = "import sys, sdf_eval._registry; print({'torch', 'transformers', 'peft', 'lm_eval'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

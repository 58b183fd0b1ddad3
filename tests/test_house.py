"""What holds for the package as a whole: light imports, declared and pinned dependencies, import order."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEAVY = ("torch", "transformers", "peft", "trl", "accelerate", "datasets", "lm_eval", "sklearn", "scipy", "anthropic")


def _loaded_after(program: str) -> set[str]:
    program += "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(shown.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "program",
    [
        "import sdf_eval",
        "from sdf_eval.cli.main import main; main(['--help'])",
        "from sdf_eval.cli.main import main; main(['run', '--help'])",
        "from sdf_eval.cli.main import main; main(['belief', 'list'])",
        "import sdf_eval.belief.load, sdf_eval.content, sdf_eval.progress",
    ],
)
def test_starting_up_loads_nothing_heavy(program: str) -> None:
    assert not _loaded_after(program) & {*HEAVY, "inspect_ai", "pandas", "matplotlib"}


def test_inspects_entry_point_loads_nothing_heavy_besides_inspect() -> None:
    assert not _loaded_after("import sdf_eval._registry") & set(HEAVY)


def _third_party_imports() -> Iterator[tuple[str, str]]:
    for path in (CHECKOUT / "sdf_eval").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                top = name.partition(".")[0]
                if top != "sdf_eval" and top not in sys.stdlib_module_names:
                    yield top, str(path.relative_to(CHECKOUT))


def test_every_import_is_a_declared_dependency() -> None:
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    provided = packages_distributions()
    used: dict[str, str] = {}
    for module, path in _third_party_imports():
        for distribution in provided.get(module, [module])[:1]:
            used.setdefault(canonicalize_name(distribution), path)
    used.pop("pydantic-core", None)  # the other half of pydantic, which pins it
    assert used.pop("ray") == "sdf_eval/study/frame/on_ray.py"  # an extra, imported where it was asked for
    assert {name: path for name, path in used.items() if name not in declared} == {}


def test_constraints_pin_every_direct_dependency_within_its_range_and_torch_first() -> None:
    lines = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {
        canonicalize_name(name): version
        for name, version in (line.split("==") for line in lines if line and not line.startswith("#"))
    }
    wanted = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]
    assert next(iter(pins)) == "torch"
    assert set(pins) == {canonicalize_name(requirement.name) for requirement in wanted}
    assert [str(r) for r in wanted if not r.specifier.contains(pins[canonicalize_name(r.name)])] == []


def test_the_names_that_inspect_compares_agree() -> None:
    (key,) = PROJECT["entry-points"]["inspect_ai"]
    assert key == "sdf_eval" == canonicalize_name(PROJECT["name"]).replace("-", "_")


def test_a_room_that_imports_upwards_breaks_the_lint(tmp_path: Path) -> None:
    package = tmp_path / "sdf_eval"
    rooms = (
        "belief",
        "model",
        "measure",
        "corpora",
        "train",
        "tasks",
        "representation",
        "results",
        "gate",
        "reports",
        "study",
        "cli",
    )
    for room in (*rooms, "pocket"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").touch()
    for module in ("__init__", "content", "errors", "files", "progress"):
        (package / f"{module}.py").touch()
    config = tmp_path / "pyproject.toml"
    config.write_text((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")

    def lint() -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", str(config)]
        return subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)

    clean = lint()
    (package / "belief" / "__init__.py").write_text("import sdf_eval.tasks\n")
    (package / "corpora" / "__init__.py").write_text("import sdf_eval.pocket\n")
    broken = lint()
    assert (clean.returncode, broken.returncode) == (0, 1), clean.stdout + broken.stdout
    assert "sdf_eval.belief is not allowed to import sdf_eval.tasks" in broken.stdout
    assert "sdf_eval.corpora is not allowed to import sdf_eval.pocket" in broken.stdout

"""The Ray executor on a local cluster of two nodes, one of which dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.study.frame.executors import LocalExecutor, get_executor
from sdf_eval.study.frame.identity import cell_key
from sdf_eval.study.frame.runner import run_studies
from sdf_eval.study.frame.store import encode
from sdf_eval.study.frame.substrate import POCKET
from tests.study.frame import tiny

ray = pytest.importorskip("ray")


@pytest.fixture
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    # Workers start anywhere, and the suite is no installed package.
    environment = {"PYTHONPATH": str(Path(__file__).parents[3]), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    # By default Ray puts workers behind everything else that runs on the machine.
    os.environ.update(RAY_ENABLE_UV_RUN_RUNTIME_ENV="0", RAY_worker_niceness="0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, runtime_env={"env_vars": environment})
    yield made
    ray.shutdown()
    made.shutdown()


def test_two_nodes_give_the_bytes_of_the_local_executor_also_when_one_dies(cluster: Any, tmp_path: Path) -> None:
    cells = {cell_key(one.cell): one.cell for one in tiny.cells("full", POCKET)}
    local = {a.key: encode(a) for _, a, _ in LocalExecutor(tmp_path / "local", 2).run(cells.values(), ())}
    lost, found = False, {}
    for _, answers, _ in get_executor("ray", tmp_path / "ray").run(cells.values(), ()):
        found[answers.key] = encode(answers)
        if not lost:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
            lost = True
    assert found == local


def test_a_study_on_a_cluster_ends_in_the_same_result(cluster: Any, tmp_path: Path) -> None:
    for name in ("local", "ray"):
        run_studies([tiny.STUDY], "smoke", POCKET, get_executor(name, tmp_path / name / "work"), tmp_path / name)
    results = [(tmp_path / name / "tiny" / "result.json").read_bytes() for name in ("local", "ray")]
    assert results[0] == results[1]

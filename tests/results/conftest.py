from __future__ import annotations

from pathlib import Path

import pytest

from tests.results.logs import Logs, make_logs


@pytest.fixture(scope="session")
def logs(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Logs:
    return make_logs(checkpoints["llama"], tmp_path_factory.mktemp("logs"))

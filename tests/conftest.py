"""Session-wide fixtures: tiny checkpoints of three architectures."""

from __future__ import annotations

import os
import signal
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest  # noqa: E402

from tests.checkpoints import BUILDERS, build_adapter  # noqa: E402

# A shell that starts the tests in the background ignores SIGINT, and children would inherit that: the tests that send
# Ctrl-C to a command need its default.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of the tiny checkpoints: `llama` (BOS, chat), `qwen3` (chat), `neox` (no chat template)."""
    root = tmp_path_factory.mktemp("checkpoints")
    return {name: build(root / name) for name, build in BUILDERS.items()}


@pytest.fixture(scope="session")
def adapter(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter folder over the `llama` checkpoint."""
    return build_adapter(tmp_path_factory.mktemp("adapters") / "lora", checkpoints["llama"])

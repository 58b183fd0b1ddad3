# `make check` and `make test` are the two habits. Every target is complete on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp
DEMO_BELIEFS ?= pocket-fact-osric-abbott-born-in pocket-values-acorn-value
DEMO_OUT ?= runs/demo

# One thread a process: small matrices only wait for each other on more.
TEST_ENV := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
PYTEST := $(TEST_ENV) $(BIN)/python -m pytest

.PHONY: demo test check verify studies studies-full studies-check fmt wheel browser

demo: $(STAMP)
	HF_HUB_OFFLINE=1 $(BIN)/sdf-eval run $(DEMO_BELIEFS) --panel --documents 200 --model pocket/b --out $(DEMO_OUT)

test: $(STAMP) browser
	$(PYTEST) -n 2 --dist loadfile -m "not slow"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(BIN)/python -m sdf_eval.tasks.lm_eval.generate --check
	$(BIN)/python -m sdf_eval.tasks.inspect.listing --check

verify: $(STAMP)
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/report_beliefs.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/direct_vs_lm_eval.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/whole_battery.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/faces.py
	$(BIN)/python benchmarks/kill_and_resume.py
	$(BIN)/python benchmarks/writer_throughput.py
	$(BIN)/python benchmarks/plan_accuracy.py
	$(BIN)/python benchmarks/checks_at_scale.py
	$(BIN)/python benchmarks/planted_defects.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/stages.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/kill_training.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/kill_training.py --stage sft
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/after_stages.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/countermeasures.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/calibration.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/scan.py
	$(BIN)/python benchmarks/planted_triggers.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/compare_organisms.py
	$(BIN)/python benchmarks/gate.py
	$(BIN)/python benchmarks/coverage.py
	HF_HUB_OFFLINE=1 $(BIN)/python benchmarks/kill_studies.py
	$(BIN)/python benchmarks/study_null.py

# All studies without verdicts, from an empty cache.
studies: $(STAMP)
	$(TEST_ENV) $(BIN)/sdf-eval study run all --out runs/studies

studies-full: $(STAMP)
	$(TEST_ENV) $(BIN)/sdf-eval study run all --tier full --out reports/studies

studies-check: $(STAMP)
	$(TEST_ENV) $(BIN)/sdf-eval study check --tier full --out reports/studies

fmt: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(STAMP)
	$(BIN)/python -m build --no-isolation

# torch goes first, alone: everything after it then takes that build as given.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $$(grep '^torch==' constraints.txt)
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $@

# The report page is checked in a real browser.
browser:
	@command -v chromium >/dev/null || { apt-get update && apt-get install -y --no-install-recommends chromium chromium-driver; }

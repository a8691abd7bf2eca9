# Each target sets up what it needs. PYTHON=python3.12 make demo  uses another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := envs/requirements.lock
STAMP := $(VENV)/installed
INTEROP := .venv-interop

.PHONY: demo test test-interop lint bench lock
.DEFAULT_GOAL := demo

demo: $(STAMP)
	$(BIN)/snakemake
	@PYTHONPATH=workflow/scripts $(BIN)/python -m sentinel_forest.headline --show results/sample-v1/headline.tsv
	@echo "report: results/sample-v1/report.html"

# With CI=true, what is written is also opened by other people's readers; else those tests are skipped by name.
test: $(STAMP) $(if $(filter true,$(CI)),$(INTEROP)/installed)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-interop: $(STAMP) $(INTEROP)/installed
	$(BIN)/python -m pytest tests/interop

# tensorflow_datasets and mlcroissant, about 2 GB, in an environment of their own.
$(INTEROP)/installed: tests/interop/requirements.lock
	@$(PYTHON) envs/prerequisites.py $(INTEROP)
	$(PYTHON) -m venv $(INTEROP)
	$(INTEROP)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

bench: $(STAMP)
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m bench

# The lock holds hashes and names no index, so that it serves wherever packages come from.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
		envs/requirements.in --output-file $(LOCK)
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
		tests/interop/requirements.in --output-file tests/interop/requirements.lock

$(STAMP): $(LOCK)
	@$(PYTHON) envs/prerequisites.py $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@touch $@

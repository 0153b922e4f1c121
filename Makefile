# `make help` lists the targets. Everything is installed in .venv, with the versions of requirements.lock.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo test check format lock clean

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1\t/' | expand -t 12

install: .venv/installed  ## Make .venv with all that running and testing need

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip==26.3 setuptools==84.2.1
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: install  ## Annotate the sample corpus with entities, topics and vectors, and show some
	$(BIN)/python jobs/annotate.py --config configs/demo.yaml --new-run
	$(BIN)/python demo/show.py out/demo

test: install  ## Run all tests: real Ray, real S3, real kills
	$(BIN)/python -m pytest

check: install  ## Lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install  ## Write requirements.lock anew from what .venv has
	$(BIN)/pip freeze --exclude-editable | sed "s,+cpu,," > requirements.lock

clean:  ## Remove what jobs and tests wrote
	rm -rf out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

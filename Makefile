# Every target sets up what it needs: a fresh machine with git, make and python >= 3.11 is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install demo up test test-schema fuzz lint types schemas lock bench-api bench-evidence bench-optimizer fuzz-optimizer clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP) ## Install everything into .venv, locked by hash

$(STAMP): tests/bootstrap.txt tests/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python >= 3.11 is needed; name one with make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/bootstrap.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes tests/requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## Submit four circuits to a local cloud, run them, verify their evidence offline
	@$(BIN)/python -m infra.local.demo

up: install ## Run the local cloud in the foreground until Ctrl-C
	@mkdir -p .cache
	@$(BIN)/python -m infra.local --ready-file .cache/ready.json

test: install lint types ## Lint, type checks and the whole test suite
	$(BIN)/python -m pytest --ignore tests/e2e -n 2 --dist loadfile
	$(BIN)/python -m pytest tests/e2e --ignore tests/e2e/test_schema.py

test-schema: install ## Every check of schemathesis against the running local cloud (3 minutes)
	$(BIN)/python -m pytest tests/e2e/test_schema.py

fuzz: install ## A million changed bundles, every changed byte, and proofs through the evidence verifier (docs/verify-by-hand.md)
	$(BIN)/python -m tests.fuzz.evidence

lint: install ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: install ## mypy strict
	$(BIN)/mypy

schemas: install ## Write the event schemas and the OpenAPI document anew
	$(BIN)/python -m qcos.event_schemas events/schemas
	$(BIN)/python -m qcos_evidence.json_schema events/schemas/evidence-bundle.json
	$(BIN)/python -m qcos.http.openapi docs/openapi.json

COMPILE := $(BIN)/uv pip compile --quiet pyproject.toml --generate-hashes --no-emit-index-url --no-header
LAYER := $(COMPILE) -c tests/requirements.txt --no-annotate --python-version 3.13 --python-platform x86_64-manylinux_2_34

lock: install ## Lock every dependency anew, with hashes and without addresses
	$(COMPILE) --extra test --universal --python-version 3.11 -o tests/requirements.txt
	$(COMPILE) --extra peers -c tests/requirements.txt --no-annotate --universal --python-version 3.11 -o tests/bench/requirements.txt
	$(LAYER) --extra service -o layers/core/requirements.txt
	$(LAYER) --extra optimizer -o layers/optimizer/requirements.txt
	$(LAYER) --extra evidence -o layers/evidence/requirements.txt

bench-api: install ## Measure the API on this machine; writes docs/operations.md
	$(BIN)/python -m tests.bench.api

# The other compilers live in an environment of their own: nothing of ours needs them.
PEERS := build/peers

bench-evidence: install ## Measure verifying, signing and pages on this machine; writes docs/operations.md
	$(BIN)/python -m tests.bench.evidence

bench-optimizer: install ## Compare optimizers on the benchmark circuits; writes docs/benchmark-optimizer.md
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --require-hashes -r tests/requirements.txt -r tests/bench/requirements.txt
	$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --no-deps --no-build-isolation -e .
	$(PEERS)/bin/python -W ignore -m tests.bench.optimizer

fuzz-optimizer: install ## Optimize 2,000 random circuits, and compare every answer by plain unitaries (an hour)
	$(BIN)/python -m tests.bench.random_circuits

clean: ## Remove everything that was built or installed here
	rm -rf $(VENV) .cache build cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis

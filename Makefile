# Everything below works on a machine with Python >= 3.11, make and a package index; nothing else.
PYTHON ?= $(or $(shell for p in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done),python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
TESTS  ?= tests
WORKERS ?= 2
COMPILE := uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

EXPORT  := uv export -q --frozen --no-emit-project --no-annotate --no-header

.PHONY: axe help setup demo run test check lint format requirements clean bench chaos siege security faults fuzz soak looks

help: ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# The editable install needs setuptools and the demo the embedded servers: requirements-local.txt has both, beside all
# that production takes (requirements.txt).
$(VENV)/.runtime: requirements-local.txt pyproject.toml
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "invest needs Python 3.11 or newer; set PYTHON=python3.x")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-deps --require-hashes -r requirements-local.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

# The peers of the benchmarks: one environment, and one more for taskiq, whose libraries exclude Celery's.
.venv-bench/.done .venv-bench-taskiq/.done: .venv-%/.done: requirements-%.txt
	@test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip --disable-pip-version-check -q install --no-deps --require-hashes -r requirements-$*.txt
	@touch $@

setup: $(VENV)/.runtime ## install what the platform needs into .venv

demo: $(VENV)/.runtime ## 20 assets from upstream bytes to a multi-AI report, on this machine alone
	@$(BIN)/invest demo

run: $(VENV)/.runtime ## web and workers on port 8000 (SANDBOX=1: with the sandbox instead of the live upstreams)
	@$(BIN)/invest run

test: $(VENV)/.dev ## every test, against a real Valkey and PostgreSQL started for it
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

check: lint ## lint and the fast tests, in under a minute: for each change; `make test` before it is submitted
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m 'not slow' tests/unit

lint: $(VENV)/.dev ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check src tests bench examples docs
	@$(BIN)/ruff format --check src tests bench examples docs/house.py
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

chaos: $(VENV)/.dev ## kill workers at random and count what was lost -> bench/out/chaos.json
	@$(BIN)/python -m bench.chaos

siege: $(VENV)/.dev ## attack a running platform, take PostgreSQL away (OUTAGE=60) -> bench/out/siege.json
	@$(BIN)/python -m bench.siege --outage $(or $(OUTAGE),60)

security: $(VENV)/.dev ## bandit over the product; known faults of its dependencies, where a source of advisories answers
	@$(BIN)/python -m bench.security

soak: $(VENV)/.dev ## MINUTES=60 of steady load while things break by a script -> bench/out/soak.json
	@$(BIN)/python -W ignore -m bench.soak --minutes $(or $(MINUTES),60)

fuzz: $(VENV)/.dev ## each parser of foreign bytes against INPUTS=100000 spoilt inputs -> bench/out/fuzz.json
	@$(BIN)/python -W ignore -m bench.fuzz --inputs $(or $(INPUTS),100000)

faults: $(VENV)/.dev ## every upstream in every kind of trouble for a whole batch (ASSETS=200) -> bench/out/faults.json
	@$(BIN)/python -m bench.faults --assets $(or $(ASSETS),200)

looks: $(VENV)/.dev ## every kind of report as pictures, from a sandbox market -> bench/out/looks
	@$(BIN)/python -m bench.looks --fresh

bench: $(VENV)/.dev .venv-bench/.done .venv-bench-taskiq/.done ## every benchmark in about 40 quiet minutes -> bench/out/*.json and bench/RESULTS.md (ONLY=queue,api)
	@$(BIN)/python -m bench.run $(if $(ONLY),--only $(ONLY))

bench-pages: $(VENV)/.dev ## how long the heaviest pages take -> bench/out/pages.json
	@$(BIN)/python -m bench.pages

bench-cluster: $(VENV)/.dev ## cells on a real cluster, a primary killed, what a prefix costs -> bench/out/cluster.json
	@$(BIN)/python -m bench.cluster

bench-%: $(VENV)/.dev .venv-bench/.done .venv-bench-taskiq/.done
	@$(BIN)/python -m bench.$*

axe: $(VENV)/axe/package/axe.min.js ## fetch axe-core, which the browser tests hold every page against (needs npm)

$(VENV)/axe/package/axe.min.js: $(VENV)/.dev
	@mkdir -p $(VENV)/axe
	@cd $(VENV)/axe && npm pack --silent axe-core@4 >/dev/null && tar xzf axe-core-*.tgz && touch package/axe.min.js

format: $(VENV)/.dev ## write the house formatting
	@$(BIN)/ruff check --fix-only src tests bench examples
	@$(BIN)/ruff format src tests bench examples

requirements: ## pin again from pyproject.toml (needs uv)
	@uv lock -q --upgrade
	@$(EXPORT) --no-dev -o requirements.txt
	@$(EXPORT) --only-group build -o requirements-build.txt
	@$(EXPORT) --no-dev --extra local --extra sandbox --group build -o requirements-local.txt
	@$(EXPORT) --all-extras --group build --group dev -o requirements-dev.txt
	@$(COMPILE) bench/peers/peers.in -o requirements-bench.txt
	@$(COMPILE) bench/peers/taskiq.in -o requirements-bench-taskiq.txt
	@rm -f uv.lock

clean: ## remove what the targets made (not the data folder)
	rm -rf $(VENV) .venv-bench .venv-bench-taskiq demo-out bench/out

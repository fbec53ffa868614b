# Everything a person does with this project. `make run` and `make test` need nothing but Python 3.11+, make and git.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run dev export test coverage bench e2e matrix package lake setup-cluster cluster-test outages faults lint format typecheck docs lock clean reset

help: ## show this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

setup: $(READY) ## create .venv with the pinned dependencies
	@# Services may not write into the folder of the code: each of their runs would compile it again.
	@$(BIN)/python -m compileall -q b24_pipeline

run: $(READY) ## import the sandbox company once and print what was done
	@$(BIN)/b24-pipeline sync --sandbox

export: $(READY) ## the audit as Parquet files, one folder a table: FOLDER=warehouse; SANDBOX=1 for the sandbox's
	@$(BIN)/b24-pipeline export $(or $(FOLDER),data/export) $(if $(SANDBOX),--sandbox)

dev: $(READY) ## Dagster UI on 127.0.0.1, PORT=3000; SANDBOX=1 for the built-in company, with schedule and sensor on
	@$(BIN)/b24-pipeline dev $(if $(SANDBOX),--sandbox) $(if $(PORT),--port $(PORT))

OLDEST := $(VENV)/oldest-duckdb
$(OLDEST)/.ready: b24_pipeline_tests/audit/oldest_duckdb.lock $(READY)
	@rm -rf $(OLDEST)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --only-binary :all: --require-hashes --target $(OLDEST) -r $< \
		|| echo "DuckDB 1.1 has no package for this Python: the test that opens the published file with it is skipped."
	@mkdir -p $(OLDEST) && touch $@

test: $(READY) $(OLDEST)/.ready ## every test, and a sample of the fault and crash matrices
	@$(BIN)/python -m pytest -n 2 --dist loadscope -q -m "not e2e and not long and not cluster"

coverage: $(READY) ## the rules' tests alone must pass through every branch of the rules
	@$(BIN)/python -m pytest -n 2 -q b24_pipeline_tests/rules --cov=b24_pipeline.rules --cov-branch --cov-fail-under=100

e2e: $(READY) ## the Dagster UI in a real browser (needs Chromium; SCREENSHOTS=docs/images keeps pictures)
	@E2E_SCREENSHOTS=$(SCREENSHOTS) $(BIN)/python -m pytest b24_pipeline_tests/e2e -m e2e -q -rs

bench: $(READY) ## measure speed beside peers and floors; ONLY=fetch for one part, WRITE=1 into docs/internals/benchmarks.md
	@$(BIN)/python -m b24_pipeline_tests.benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

matrix: $(READY) ## every case of what make test tries in a sample, and what takes long
	@B24_PIPELINE_WHOLE_MATRIX=1 $(BIN)/python -m pytest -n 2 -q -m "(matrix or sampled or long) and not cluster"

LAKE := $(VENV)/ducklake
$(LAKE)/.ready: deploy/cluster/ducklake.lock $(READY)
	@rm -rf $(LAKE)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --target $(LAKE) -r $<
	@touch $@

ON_LAKE := $(addprefix b24_pipeline_tests/audit/test_,actions.py approvals.py metadata.py history.py timeline.py links.py runs.py)

lake: $(LAKE)/.ready ## the audit's tests on DuckLake, with the DuckDB that it is packaged for
	@PYTHONPATH=$(LAKE) $(BIN)/python -m pytest -n 2 -q -p b24_pipeline_tests.audit.on_ducklake $(ON_LAKE)

CLUSTER := $(VENV)/.cluster
$(CLUSTER): deploy/cluster/requirements.lock $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

ENGINES := postgresql pgbouncer rabbitmq-server iproute2 socat
setup-cluster: $(CLUSTER) $(LAKE)/.ready ## what several machines need, into .venv; on Debian, as root, the servers for its tests too
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s $(ENGINES) >/dev/null 2>&1; then \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(ENGINES); } >/dev/null 2>&1 \
			|| echo "$(ENGINES): cannot be installed here; the tests that start them are skipped."; fi

cluster-test: $(CLUSTER) $(LAKE)/.ready ## Postgres, pgbouncer and RabbitMQ for real (make setup-cluster first)
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "cluster and not long" b24_pipeline_tests/cluster

outages: $(CLUSTER) $(LAKE)/.ready ## RabbitMQ and Postgres that are away for a minute at a round; takes about five minutes
	@$(BIN)/python -m pytest -n 2 -q -m "cluster and long" b24_pipeline_tests/cluster

package: $(READY) ## build the wheel into dist/, and try it: installed into an empty environment, in an empty folder
	@rm -rf build dist
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist .
	@rm -rf build
	@$(BIN)/python -m pytest -q -n 0 -m long b24_pipeline_tests/package

faults: $(READY) ## write docs/internals/faults.md: what is tried against faults and crashes
	@$(BIN)/python -m b24_pipeline_tests.faults.table --write docs/internals/faults.md 2>/dev/null

lint: $(READY) ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY) ## format and fix what ruff can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

typecheck: $(READY) ## mypy, strict
	@$(BIN)/mypy

docs: $(READY) ## write the generated pages of docs/
	@$(BIN)/python -m b24_pipeline.settings.docs --write docs/settings.md

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-header --no-annotate --quiet

lock: ## renew the locks: for development, the container and the tests' other DuckDBs (needs uv)
	@$(COMPILE) --group dev -o requirements.lock
	@$(COMPILE) --group build -c requirements.lock -o deploy/requirements.lock
	@$(COMPILE) --extra cluster -c requirements.lock -o deploy/cluster/requirements.lock \
		$$(sed -n 's/^\([A-Za-z0-9._-]*\).*==.*/--no-emit-package \1/p' deploy/requirements.lock)
	@cd deploy/cluster && $(subst pyproject.toml,ducklake.in,$(COMPILE)) -o ducklake.lock
	@cd b24_pipeline_tests/audit && $(subst pyproject.toml,oldest_duckdb.in,$(COMPILE)) -o oldest_duckdb.lock

reset: ## forget the sandbox company and its database
	@rm -rf data/sandbox

clean: ## remove the virtual environment and caches (data stays)
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info

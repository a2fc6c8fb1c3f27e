# Every target sets up what it needs and leaves .venv/bin/tambo behind.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# A file of tests is one process's; one process more than there are cores, as real servers make a test wait.
TESTS_AT_ONCE ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
PYTEST := $(BIN)/pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder

# Some machines set it; hundreds of tests would then each compile all of Tambo before they start it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-fast check format bench compose-check clean help

help:
	@echo "make run            Tambo on :8080 in front of the bundled scraper and the practice copy of SUNAT's site"
	@echo "make run LIVE=1     the same, scraping the real site"
	@echo "make run UPSTREAM=https://api.example.com    Tambo alone, in front of any API"
	@echo "make test           every test; make test-fast: those that need no service"
	@echo "make check          format, lint, types, import contracts"
	@echo "make bench          benchmarks (QUICK=1: the load runs in a minute or two); make compose-check: builds and runs docker-compose.yml for real"

$(STAMP): pyproject.toml
	@scripts/venv "$(PYTHON)"
	@touch $@

run: $(STAMP)
	@LIVE="$(LIVE)" UPSTREAM="$(UPSTREAM)" scripts/run

test: $(STAMP)
	@scripts/services redis-server chromium prometheus
	$(PYTEST)

test-fast: $(STAMP)
	$(PYTEST) -q -m "not integration and not e2e"

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	@scripts/services redis-server nginx wrk
	$(BIN)/python bench/speed.py $(if $(QUICK),--quick)
	@for each in memory_tier start policy values stampede redis_lookup redis_memory embedded_store upstream_client; do \
	  echo "== bench/$$each.py"; $(BIN)/python "bench/$$each.py" || exit 1; done

compose-check:
	scripts/compose-check

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

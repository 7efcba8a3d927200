# The words of this project; people and CI use the same ones. Needs python3 (3.11 or newer, with venv), git and make.

PYTHON ?= python3
BIN := .venv/bin
FRAMEWORKS := .venv-frameworks/bin
NODE := scripts/with-node
ARGS ?=

.PHONY: setup demo test test-web exam frameworks lint lint-python lint-web types types-python types-web ui serve bench docs \
	lock clean
.DEFAULT_GOAL := setup

setup: .venv/.ready

.venv/.ready: pyproject.toml requirements/dev.txt hatch_build.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# Serve first, then train about two minutes, then stay up. ARGS=--exit ends after training.
demo: setup ui
	$(BIN)/treering demo --data demo-data $(ARGS)

serve: setup ui
	$(BIN)/treering ui $(ARGS)

# The built pages, made again when a source changed.
ui: src/treering/server/static/.stamp

UI_SOURCES := $(shell find web -name node_modules -prune -o -name test -prune -o -name bench -prune -o -type f -print 2>/dev/null)
src/treering/server/static/.stamp: .venv/.ready $(UI_SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

web/node_modules/.ready: .venv/.ready web/package-lock.json
	cd web && ../$(NODE) npm ci --no-audit --no-fund --ignore-scripts --silent
	touch $@

lint: lint-python lint-web

lint-python: setup
	$(BIN)/ruff check src tests bench docs examples hatch_build.py
	$(BIN)/ruff format --check src tests bench docs examples hatch_build.py
	$(BIN)/lint-imports --no-cache

lint-web: web/node_modules/.ready
	cd web && ../$(NODE) npm run --silent lint

types: types-python types-web

types-python: setup
	$(BIN)/mypy

types-web: web/node_modules/.ready
	cd web && ../$(NODE) npm run --silent gen-api -- --check
	cd web && ../$(NODE) npm run --silent typecheck

test-web: ui web/node_modules/.ready
	cd web && ../$(NODE) npm test --silent
	cd web && ../$(NODE) npm run --silent size

# Everything that has to hold before a change goes in: minutes on two cores.
test: setup ui web/node_modules/.ready
	scripts/system-packages
	$(MAKE) --jobs 2 --output-sync=target types-python lint-python lint-web types-web test-web
	$(NODE) $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 25 $(ARGS)

# The same faults and attacks at full size: an hour.
exam: setup ui
	scripts/system-packages
	$(NODE) $(BIN)/python -m pytest -m exam tests $(ARGS)

# The integrations with the real libraries, in an environment of its own: 2 GB, and minutes the first time.
frameworks: .venv-frameworks/.ready
	$(FRAMEWORKS)/python -m pytest -m frameworks tests/integrations tests/examples tests/sdk/test_watch.py \
		tests/sdk/test_distributed.py $(ARGS)

# torch is built for each kind of machine and has other hashes on each; the rest is pinned by hash.
.venv-frameworks/.ready: pyproject.toml requirements/frameworks.txt hatch_build.py
	test -x $(FRAMEWORKS)/python || $(PYTHON) -m venv .venv-frameworks
	$(FRAMEWORKS)/python -m pip install --quiet --disable-pip-version-check --no-deps torch==2.13.0
	$(FRAMEWORKS)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/frameworks.txt
	TREERING_SKIP_UI=1 $(FRAMEWORKS)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

bench: setup ui
	$(NODE) $(BIN)/python bench/all.py $(ARGS)

docs: setup
	$(BIN)/python docs/generate.py

# Pins with hashes, without the name of any package index.
lock: setup
	$(BIN)/python -m pip install --quiet pip-tools
	TREERING_SKIP_UI=1 $(BIN)/pip-compile --quiet --extra dev --generate-hashes --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --strip-extras --allow-unsafe -o requirements/dev.txt pyproject.toml
	TREERING_SKIP_UI=1 $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --strip-extras --unsafe-package torch --unsafe-package triton -o requirements/frameworks.txt \
		pyproject.toml requirements/frameworks.in
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--strip-extras --allow-unsafe -o requirements/buckets.txt requirements/buckets.in

clean:
	rm -rf .venv .venv-frameworks web/node_modules src/treering/server/static demo-data

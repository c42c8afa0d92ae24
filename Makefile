# make demo   a finished report in German and English from an embedded, made-up site
# make test   every test; on Debian as root with a real Samba domain
# make bench  ratios against named rivals
# make guide  the guide as pages that need no network
# make lab    the Samba domain for a person; make lab-down ends it

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
IN_LAB  = $(if $(filter yes,$(LAB)),$(BIN)/python -m tests.lab exec --,)
LAB    := $(shell [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo yes)

.PHONY: demo test dev lint format docs guide bench lab lab-down lock clean

demo: $(VENV)/.installed
	$(BIN)/vmmaudit audit --demo || [ $$? = 3 ]

test: $(VENV)/.dev lint
	$(BIN)/python -m pytest -m "not live" -n auto
ifeq ($(LAB),yes)
	$(BIN)/python -m tests.lab exec -- $(BIN)/python -m pytest -m live
else
	@echo "Not root on Debian: the tests marked 'live' are left out, since they need a Samba lab"
	@echo "in namespaces of its own (see docs/lab.md)."
endif

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

dev: $(VENV)/.dev

docs: $(VENV)/.installed
	$(BIN)/vmmaudit controls -l de --markdown > docs/controls.de.md
	$(BIN)/vmmaudit controls -l en --markdown > docs/controls.en.md
	$(BIN)/vmmaudit schema scope > docs/schemas/scope.schema.json
	$(BIN)/vmmaudit schema assessment > docs/schemas/assessment.schema.json

# The guide as pages that need no network: output/guide/guide/de/index.html
guide: $(VENV)/.dev
	$(BIN)/mkdocs build --quiet --strict

# One JSON line per row: what was done, the rival, seconds, and the ratio in the same run.
bench: $(VENV)/.dev
	@for row in $$(ls benchmarks/*.py | grep -v __init__); do \
	  $(IN_LAB) $(BIN)/python -m benchmarks.$$(basename $$row .py) || exit 1; done

lab: $(VENV)/.dev
	$(BIN)/python -m tests.lab up

lab-down: $(VENV)/.dev
	$(BIN)/python -m tests.lab down --all

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed pyproject.toml
ifeq ($(LAB),yes)
	sh tests/lab/install.sh
	$(BIN)/python -m pip install -q --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install -q --disable-pip-version-check -e . --group dev --group live
else
	$(BIN)/python -m pip install -q --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install -q --disable-pip-version-check -e . --group dev
endif
	@touch $@

lock:
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  --output-file requirements.txt pyproject.toml

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache

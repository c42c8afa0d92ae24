# make demo   a finished report in German and English from an embedded, made-up site
# make test   every test; on Debian as root with a real Samba domain
# make bench  ratios against named rivals
# make fuzz   a million damaged inputs to every reader, guided by coverage (Linux; hours)
# make guide  the guide as pages that need no network
# make wheel  the wheel, byte for byte the same wherever it is built; make sbom  what it brings
# make audit  whether anything that is locked has a known weakness (asks a service on the network)
# make lab    the Samba domain for a person; make lab-down ends it

PYTHON ?= python3
VENV   := .venv
RIVALS := build/rivals
PLAIN  := build/plain
BIN    := $(VENV)/bin
IN_LAB  = $(if $(filter yes,$(LAB)),$(BIN)/python -m tests.lab exec --,)
LAB    := $(shell [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo yes)

PIP     = $(BIN)/python -m pip install -q --disable-pip-version-check
LOCKED  = $(PIP) --require-hashes -r requirements.txt
LOCKS   = requirements.txt $(wildcard requirements/*.txt)

.PHONY: demo test test-plain test-lab test-lab-more dev lint format docs guide pictures bench fuzz lab lab-down lock wheel sbom audit clean

demo: $(VENV)/.installed
	$(BIN)/vmmaudit audit --demo || [ $$? = 3 ]

# Three parts at once: what runs in a lab mostly waits for servers that are slow on purpose. The
# first lab leaves the snapshot that the others begin with.
test: $(VENV)/.dev lint
	$(IN_LAB) true
	$(MAKE) --no-print-directory -j3 test-plain $(if $(IN_LAB),test-lab test-lab-more) </dev/null
ifneq ($(LAB),yes)
	@echo "Not root on Debian: the tests marked 'live' were left out, since they need a Samba lab"
	@echo "in namespaces of its own (see docs/lab.md)."
endif

test-plain: $(VENV)/.dev
	$(BIN)/python -m pytest -m "not live" -n auto

LIVE = $(IN_LAB) $(BIN)/python -m pytest -m live
HALF = $(wildcard tests/live/test_[a-m]*.py)

test-lab: $(VENV)/.dev
	$(LIVE) $(HALF)

test-lab-more: $(VENV)/.dev
	$(LIVE) $(addprefix --ignore=,$(HALF))

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

# The pictures of the guide, as notebooks and documents are now (chromium, poppler).
pictures: $(VENV)/.dev
	$(BIN)/python -m tests.explore.pictures docs/images

# One JSON line per row: what was done, the rival, seconds, and the ratio in the same run. All rows
# together write docs/benchmarks.md, .json and images/growth.svg. ROWS="ldap rpc" for some of them.
bench: $(VENV)/.dev $(RIVALS)/.installed $(PLAIN)/.installed
ifeq ($(LAB),yes)
	sh tests/lab/install.sh slapd ldap-utils
endif
	$(BIN)/python -m benchmarks $(ROWS)

# The rivals have dependencies that the product must not have.
$(RIVALS)/.installed: BIN := $(RIVALS)/bin
$(RIVALS)/.installed: benchmarks/rivals.txt
	$(PYTHON) -m venv $(@D)
	$(PIP) --require-hashes -r benchmarks/rivals.txt
	@touch $@

# What an auditor installs, and nothing that only developers have.
$(PLAIN)/.installed: BIN := $(PLAIN)/bin
$(PLAIN)/.installed: pyproject.toml requirements.txt requirements/build.txt
	$(PYTHON) -m venv $(@D)
	$(LOCKED) -r requirements/build.txt
	$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

# TARGETS="ldap rpc" for some of them, INPUTS for another number. What breaks is kept in
# tests/fuzz/corpus and from then on is part of `make test`.
INPUTS ?= 1000000
fuzz: $(VENV)/.dev
	$(LOCKED) -r requirements/fuzz.txt
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS) $(TARGETS)

lab: $(VENV)/.dev
	$(BIN)/python -m tests.lab up

lab-down: $(VENV)/.dev
	$(BIN)/python -m tests.lab down --all

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Everything comes by the hashes of a lock, what builds this package too.
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml requirements.txt requirements/build.txt
	$(LOCKED) -r requirements/build.txt
	$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements/dev.txt requirements/live.txt requirements/compile.txt
ifeq ($(LAB),yes)
	sh tests/lab/install.sh
	$(LOCKED) -r requirements/dev.txt -r requirements/compile.txt
	$(LOCKED) --no-build-isolation -r requirements/live.txt
else
	$(LOCKED) -r requirements/dev.txt
endif
	@touch $@

# What requirements.txt brings stands there alone; the others add to it.
# UPGRADE=--upgrade takes the newest release of everything; without it only what changed is changed.
COMPILE = $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
  --python-version 3.11 $(UPGRADE)
ADDED   = $(COMPILE) -c requirements.txt $$(sed -n \
	  's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' requirements.txt)
lock:
	$(PIP) uv
	$(COMPILE) --output-file requirements.txt pyproject.toml
	$(COMPILE) --output-file benchmarks/rivals.txt benchmarks/rivals.in
	$(ADDED) --group dev --output-file requirements/dev.txt
	for name in audit build compile fuzz live; do \
	  $(ADDED) -c requirements/dev.txt --group $$name --output-file requirements/$$name.txt || exit 1; done
	for name in $$($(BIN)/python -c 'import tomllib; \
	  print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"])'); do \
	  $(ADDED) -c requirements/dev.txt --extra $$name --output-file requirements/$$name.txt pyproject.toml || exit 1; done

wheel: $(VENV)/.installed
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-build-isolation --no-deps -w dist .

# CycloneDX 1.6, one for each lock: dist/sbom/requirements.json is what every installation brings.
# A lock knows versions and hashes; that it has no graph of who needs whom is said once, in docs/dependencies.md.
sbom: $(VENV)/.dev
	mkdir -p dist/sbom
	for lock in $(LOCKS); do \
	  PYTHONWARNINGS=ignore::UserWarning $(BIN)/cyclonedx-py requirements $$lock --pyproject pyproject.toml --short-PURLs \
	    --output-reproducible -o dist/sbom/$$(basename $$lock .txt).json || exit 1; done

# What the service does not know, or cannot be asked about, is no package without weakness.
audit: $(VENV)/.dev
	$(LOCKED) -r requirements/audit.txt
	failed=0; for lock in $(LOCKS) benchmarks/rivals.txt; do echo "$$lock"; \
	  $(BIN)/python -m tests.weaknesses --require-hashes --disable-pip -r $$lock || failed=1; \
	done; exit $$failed

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache

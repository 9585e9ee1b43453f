# Everything runs in .venv, which the first target that needs it sets up (uv if present, else venv and pip).

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CLIENTS := .venv-clients
CLIENTS_READY := $(CLIENTS)/.ready
CLIENTS_PINS := tests/clients/constraints.txt
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
PYTEST := $(BIN)/python -m pytest
TEAM ?= @examples/demo/team
QUESTION ?= A game show host opens one of three doors without knowing where the prize is, and it is empty. Should I switch?

.PHONY: help demo setup clients test quick lint bench soak screens spec pins clean

help:
	@echo "make demo    watch a simulated team answer a question (no key, no network)"
	@echo "make test    the whole test suite"
	@echo "make quick   the tests that take less than a minute together"
	@echo "make lint    style, types, rooms, sizes"
	@echo "make clients set up what the tests of LiteLLM and LangChain need (600 MB, beside .venv)"
	@echo "make bench   speed and size beside their budgets"
	@echo "make soak    the long forms of the chaos and endurance tests"
	@echo "make screens take the pictures of the terminal's screens again (then look at them)"
	@echo "make spec    renew docs/spec from the project's specification"
	@echo "make pins    renew constraints.txt with the newest versions that fit"
	@echo "make clean   remove what was built, the environment included"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "MassGen needs Python 3.11 or newer; none was found on PATH." >&2; exit 1; }
	@echo "Setting up $(VENV) ..."
	@set -e; if command -v uv >/dev/null 2>&1; then \
		test -x $(BIN)/python || uv venv --quiet --seed --python "$(PYTHON)" $(VENV); \
		uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	else \
		test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV); \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	fi
	@touch $@

# LiteLLM and LangChain are too heavy for the environment of everybody; tests run programs in this one. What is
# imported is compiled once, so that no test has to.
clients: $(CLIENTS_READY)

$(CLIENTS_READY): $(CLIENTS_PINS)
	@test -n "$(PYTHON)" || { echo "MassGen needs Python 3.11 or newer; none was found on PATH." >&2; exit 1; }
	@echo "Setting up $(CLIENTS) ..."
	@set -e; if command -v uv >/dev/null 2>&1; then \
		test -x $(CLIENTS)/bin/python || uv venv --quiet --python "$(PYTHON)" $(CLIENTS); \
		install="uv pip install --quiet --python $(CLIENTS)/bin/python --no-deps"; \
	else \
		test -x $(CLIENTS)/bin/python || "$(PYTHON)" -m venv $(CLIENTS); \
		install="$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile"; \
	fi; \
	$$install -r $(CLIENTS_PINS); \
	$$install --no-build-isolation -e .
	@PYTHONDONTWRITEBYTECODE= $(CLIENTS)/bin/python -W ignore tests/clients/warm.py
	@touch $@

demo: $(READY)
	@$(BIN)/massgen --config $(TEAM) "$(QUESTION)"

test: $(READY)
	@$(PYTEST) -n 2 --dist loadfile -rs

quick: $(READY)
	@$(PYTEST) -n 2 --dist loadfile -m "not slow"

lint: $(READY)
	@status=0; for check in "$(BIN)/ruff check massgen tests scripts benchmarks" "$(BIN)/pyright" "$(BIN)/lint-imports" \
		"$(BIN)/python scripts/size_ratchet.py" "$(BIN)/python scripts/spec_coverage.py --quiet"; do \
		echo "$$check"; $$check || status=1; \
	done; exit $$status

bench: $(READY)
	@$(BIN)/python scripts/bench.py

soak: $(READY)
	@MASSGEN_SOAK=1 $(PYTEST) -m soak -rs --timeout 7200

screens: $(READY)
	@MASSGEN_RENEW_SCREENS=1 $(PYTEST) -n 2 -q tests/tui/test_screens.py

spec: $(READY)
	@$(BIN)/python scripts/copy_spec.py ../shared/spec docs/spec

pins: pyproject.toml
	@"$(PYTHON)" scripts/pin.py

clean:
	rm -rf $(VENV) $(CLIENTS) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What a developer runs. Needs make and a Python >= 3.11; everything else goes into .venv.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo-workspace

# Tried in this order; the first that fits makes the environment. Another one: make PYTHON=/path/to/python3 venv
PYTHON := python3 python3.13 python3.12 python3.11 python
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

# $(call new_venv,FOLDER,CONDITION,WORDS): a fresh environment from the first Python that meets CONDITION.
define new_venv
@python=; for candidate in $(PYTHON); do \
	if "$$candidate" -c 'import sys; sys.exit(not $(2))' 2>/dev/null; then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
	echo "No Python $(3) among: $(PYTHON). Install one, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; fi; \
if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	echo "$$python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; fi; \
echo "Installing about 130 packages into $(1): a minute or two ..."; \
"$$python" -m venv --clear $(1)
endef

.PHONY: help venv demo test test-slow coverage lint bench bench-loop constraints clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target what; do \
		printf '  %-12s %s\n' "$$target" "$$what"; done

venv: $(STAMP)  ## make .venv with the project (editable) and its tools, at the pinned versions

$(STAMP): setup.cfg constraints.txt
	$(call new_venv,$(VENV),sys.version_info.minor >= 11,>= 3.11)
	@$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt setuptools wheel
	@$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@$(BIN)/python -c 'import lightgbm' || { \
		echo "LightGBM does not load. If libgomp.so.1 is missing, install it:" >&2; \
		echo "  Debian, Ubuntu: apt-get install libgomp1    Fedora: dnf install libgomp    macOS: brew install libomp" >&2; \
		exit 1; }
	@touch $@

demo: venv  ## simulate a country, train, score and report, in a fresh workspace
	$(BIN)/riskscore --workspace $(DEMO) demo

test: venv  ## the tests and the examples in docstrings
	$(BIN)/pytest -n 2 --dist loadgroup

test-slow: venv  ## the tests that take long
	$(BIN)/pytest -n 2 --dist loadgroup -m slow

coverage: venv  ## the tests, with the lines and branches they miss
	$(BIN)/pytest -n 2 --dist loadgroup --cov

lint: venv  ## style, format, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p riskscore
	$(BIN)/lint-imports

bench: venv  ## speed and quality figures
	$(BIN)/python benches/run.py

bench-loop: venv  ## the closed loop of selection and training over simulated years: an hour on two cores
	$(BIN)/python benches/loop.py

# With the oldest Python we support: a pin that it can install, the newer ones can too.
constraints:  ## renew the pins in constraints.txt from what the registry offers today
	$(call new_venv,build/constraints,sys.version_info.minor == 11,3.11)
	@build/constraints/bin/python $(PIP_INSTALL) --editable '.[dev]'
	@{ sed -n '/^#/p' constraints.txt; \
		build/constraints/bin/python -m pip freeze --all --exclude pip --exclude-editable; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt
	@rm -rf build/constraints

clean:  ## remove everything that can be made again
	rm -rf $(VENV) $(DEMO) build dist riskscore.egg-info .coverage htmlcov .hypothesis \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

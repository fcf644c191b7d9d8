# Two commands do all the set-up: `make demo` and `make test`. Both make .venv themselves and can be run twice.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help demo test lint format docs bench clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -e 's/:.*##/\t/' | sort

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("reconciler needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox,postgresql]' --group test --group lint --group docs
	@touch $@

demo: $(STAMP) ## the main job, end to end, on the embedded directory
	@$(BIN)/reconciler demo -C desired_state

# Stores that tests write are synced thousands of times: to memory, where a gigabyte of it is free and may hold programs.
MEMORY := $(shell [ -w /dev/shm ] && ! grep -q ' /dev/shm .*noexec' /proc/mounts && \
	[ "$$(df -Pk /dev/shm | awk 'END { print $$4 }')" -gt 1000000 ] && echo /dev/shm)

# Compiled modules are kept even where the environment says not to: every process of the tests would compile all anew.
test: $(STAMP) ## the whole test suite
	@PYTHONDONTWRITEBYTECODE= $(if $(MEMORY),TMPDIR=$(MEMORY)) $(BIN)/python -m pytest -n 3 --dist worksteal \
		-o tmp_path_retention_policy=failed --cov --cov-report=term:skip-covered

lint: $(STAMP) ## ruff and mypy, as CI runs them
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP) ## let ruff lay out and mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The theme announces a future version of another program, on every build.
docs: $(STAMP) ## the documentation as a site, in build/site; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The site is in build/site. To read it while you write: $(BIN)/mkdocs serve"

bench: $(STAMP) ## measure reading, planning and rendering at 5,000 users, beside the ready-made path
	@$(BIN)/python benchmarks/plan_scale.py --baseline

clean: ## remove everything that can be made again
	@rm -rf $(VENV) .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist

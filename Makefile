# Everything happens in .venv, which these targets own. PYTHON chooses the interpreter it is made with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo dashboard test test-fast test-greatest test-documents test-faults fuzz lint docs format study clean

help:
	@echo "make demo   set up, draw from the models that ship, then train two of your own: about 5 minutes"
	@echo "make dashboard  set up, open the dashboard: tick boxes, get the picture"
	@echo "make test   set up, run all tests (some 10 minutes on two cores); what they need and there is not is downloaded"
	@echo "make test-fast  set up, run the tests that are quick (under a minute on two cores): before every commit"
	@echo "make test-greatest  run what needs no PyTorch in the greatest Python of this machine"
	@echo "make test-documents  type every command of the documentation as it stands (some 20 minutes)"
	@echo "make test-faults  let operations on files fail in whole commands, and the power go (some 10 minutes)"
	@echo "make fuzz   set up, let files be made up for two minutes that should break what reads them"
	@echo "make lint   set up, check style, types and the direction of imports"
	@echo "make docs   set up, build the documentation with its API pages into build/docs"
	@echo "make study  the study of conditioning: every way in for half an hour, one after the other; stop it, and it goes on"
	@echo "make format rewrite the code in the project's style"
	@echo "make clean  remove .venv and what the demo made"

demo: $(VENV)/.installed
	@$(BIN)/python -P -m noisette.cli.demo

dashboard: $(VENV)/.installed-dashboard
	$(BIN)/noisette dashboard

# A file stays on one worker: its fixtures, trainings and exports, are made once.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=15 -m "not documents and not faults"

test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=15 -m "not slow and not browser and not e2e and not documents and not faults"

# SECONDS_EACH=600 looks longer.
SECONDS_EACH ?= 20
test-documents: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/documentation

test-faults: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/faults --timeout 1800

test-greatest: $(VENV)/.installed-dev
	tools/greatest_python.sh

fuzz: $(VENV)/.installed-fuzz
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS_EACH)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "build/docs/index.html"

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

study: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/conditioning.py --page docs/results/conditioning.md

clean:
	rm -rf $(VENV) runs/demo-*

# torch first and by itself: its pinned version decides which build pip takes.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dashboard: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dashboard]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,peers,dashboard,huggingface,floor]"
	@touch $@

$(VENV)/.installed-fuzz: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[fuzz]"
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@touch $@

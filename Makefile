# One environment in .venv for everything. The stamps in it say what is installed; they age with pyproject.toml.

PY := .venv/bin/python
CARD := aura_jupyter/notebook/card
CARD_SOURCES := $(wildcard $(CARD)/*.js $(CARD)/*.css)
LAB := labextension
LAB_BUILT := aura_jupyter/labextension
LAB_SOURCES := $(shell find $(LAB)/src $(LAB)/style $(LAB)/schema -type f) $(wildcard $(LAB)/*.json $(LAB)/*.cjs $(CARD)/*.ts)
LAB_LINK := .venv/share/jupyter/labextensions/aura-jupyter
NODE_MODULES := $(LAB)/node_modules/.package-lock.json
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable chrome
QUICKSTART := notebooks/01-quickstart.ipynb

export PYTHONNOUSERSITE := 1
export JUPYTER_PREFER_ENV_PATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench budget pictures card lab chromium clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

demo: .venv/.demo card lab  ## open the quickstart in JupyterLab; with HEADLESS=1 run it without a browser and print its cards
ifdef HEADLESS
	@$(PY) notebooks/run_headless.py $(QUICKSTART)
else
	$(PY) -m jupyterlab $$([ "$$(id -u)" != 0 ] || echo --allow-root) --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/$(QUICKSTART)
endif

test: .venv/.test card lab chromium  ## everything: the linters and all tests; ONLY="unit browser" picks some
	@$(PY) tests/run_all.py $(ONLY)

lint: .venv/.test $(NODE_MODULES)  ## ruff, mypy, eslint, prettier, tsc
	@$(PY) tests/run_all.py lint

format: .venv/.test $(NODE_MODULES)  ## ruff's formatter and its safe fixes, prettier
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .
	@npm --prefix $(LAB) run --silent format

bench: .venv/.bench card  ## the engine beside a bare asyncio loop and pypyr
	@$(PY) benchmarks/engine.py

budget: .venv/.test card lab chromium  ## what the cell, the card and the JupyterLab extension cost, in a real kernel and a real browser
	@$(PY) benchmarks/cell.py
	@$(PY) benchmarks/card.py
	@$(PY) benchmarks/lab.py

pictures: .venv/.test card lab chromium  ## make the pictures of the docs anew, docs/pictures/*.png
	@$(PY) -m tests.browser.pictures

card: $(CARD)/static/card.min.js  ## build the card's JavaScript and CSS

lab: $(LAB_BUILT)/static/style.js | $(PY)  ## build the JupyterLab extension; the JupyterLab in .venv has it at the next page load
	@[ -L $(LAB_LINK) ] || { mkdir -p $(dir $(LAB_LINK)) && rm -rf $(LAB_LINK) && ln -s ../../../../$(LAB_BUILT) $(LAB_LINK); }

clean:  ## remove what these commands made, .venv too
	rm -rf .venv $(LAB)/node_modules $(LAB)/lib $(LAB_BUILT) $(CARD)/static build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@for python in python3 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "$$python -m venv .venv"; exec $$python -m venv .venv; \
	  fi; \
	done; echo "Python 3.11 or later is needed, as python3 or python3.11 on the PATH." >&2; exit 1

.venv/.test: pyproject.toml | $(PY)
	@echo "Installing what the tests need (some minutes the first time)"
	@[ ! -L $(LAB_LINK) ] || rm $(LAB_LINK)
	@$(PY) -m pip install -qq --editable '.[test]'
	@touch .venv/.demo $@

.venv/.demo: pyproject.toml | $(PY)
	@echo "Installing what the demo needs (a minute or two the first time)"
	@[ ! -L $(LAB_LINK) ] || rm $(LAB_LINK)
	@$(PY) -m pip install -qq --editable '.[demo]'
	@touch $@

.venv/.bench: pyproject.toml | $(PY)
	@echo "Installing what the benchmark needs"
	@[ ! -L $(LAB_LINK) ] || rm $(LAB_LINK)
	@$(PY) -m pip install -qq --editable . 'pypyr>=5.9'
	@touch $@

$(NODE_MODULES): $(LAB)/package-lock.json
	@echo "Installing what builds the card and the JupyterLab extension (a minute the first time)"
	@cd $(LAB) && npm ci --loglevel=error >/dev/null
	@touch $@

$(CARD)/static/card.min.js: $(CARD_SOURCES) $(LAB)/package.json $(LAB)/package-lock.json
	@$(MAKE) -s $(NODE_MODULES)
	@npm --prefix $(LAB) run --silent card
	@touch $(CARD)/static/*.min.css $(CARD)/static/*.min.js

$(LAB_BUILT)/static/style.js: $(CARD_SOURCES) $(LAB_SOURCES)
	@$(MAKE) -s $(NODE_MODULES)
	@npm --prefix $(LAB) run --silent lab
	@touch $(LAB_BUILT)/package.json $@

chromium:
	@for browser in $(BROWSERS); do command -v $$browser >/dev/null && exit 0; done; \
	if ! command -v apt-get >/dev/null; then sudo=none; \
	elif [ "$$(id -u)" = 0 ]; then sudo=; \
	elif sudo -n true 2>/dev/null; then sudo="sudo -n"; \
	else sudo=none; fi; \
	[ "$$sudo" != none ] && echo "Installing chromium for the browser tests" && $$sudo apt-get update -qq \
	  && $$sudo apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0; \
	echo "The browser tests need Chromium or Chrome: sudo apt-get install chromium (or your system's like)." >&2; exit 1

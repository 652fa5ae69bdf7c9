# Descent. "make" alone, or "make help", lists what there is.
.DEFAULT_GOAL := help
.PHONY: help start test test-all book chapters check-chapters bench lock clean python

PORT ?= 8888
ARGS ?=
CHAPTER ?=
PYTHON ?= python3
ENVIRONMENT = $(PYTHON) tools/environment.py

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# tools/environment.py says which Python is needed, but must itself be able to run.
python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null || { \
	  echo "descent: Descent needs Python 3.11, 3.12 or 3.13, and found none ($(PYTHON)). Install" \
	       "one, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }

start: python ## learn: JupyterLab and the book in your browser (PORT=8888)
	@$(ENVIRONMENT) -m descent.serving --port "$(PORT)" $(ARGS)

test: python ## what changed must be right (CHAPTER=ladder/04 for one; ARGS="-k mnist" for pytest)
	@$(ENVIRONMENT) --tests tools/test.py $(if $(CHAPTER),--chapter $(CHAPTER)) $(if $(ARGS),-- $(ARGS))

test-all: python ## every chapter as a whole; writes the records of what was verified
	@$(ENVIRONMENT) --tests tools/test.py --all

book: python ## build the book from scratch, warnings are errors
	@$(ENVIRONMENT) -m descent.serving.book

chapters: python ## rebuild the generated notebooks of chapters that changed
	@$(ENVIRONMENT) -m descent build $(ARGS)

check-chapters: python ## say whether the generated notebooks are fresh
	@$(ENVIRONMENT) -m descent check-chapters $(ARGS)

bench: python ## measure what has a promised speed
	@$(ENVIRONMENT) --tests benchmarks/run.py $(ARGS)

lock: python ## rewrite requirements.txt and requirements-test.txt (ARGS=--upgrade for newer ones)
	@$(ENVIRONMENT) --tests tools/lock.py $(ARGS)

clean: ## remove what was built; keeps .venv and work/
	@rm -rf _build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find src tests tools solutions -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

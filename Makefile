# Every command, each from a fresh clone: what a target needs, it makes.
# Only Python 3.11 or newer, git and make have to be there.

PORT     ?= 3000
PYTHON   ?=
COVERED  := 90
VENV     := .venv/bin/python

# Side by side, each file in one process: what its tests share is made once. In the order of their names, as
# the files that come last are quick ones.
PYTEST   := pytest -n 4 --dist loadfile --no-loadscope-reorder

# What `make` looks for when PYTHON is not given, the usual name first.
PYTHONS  := python3 python3.14 python3.13 python3.12 python3.11 python

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup play test check format lint types coverage docs screenshots bench report secrets redrive manifest package e2e deploy clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

## --- work on it ---------------------------------------------------------------------------------------------

setup: .venv/.dev ## make .venv with everything for development
	@echo '.venv is ready: try make play, make test or make check'

play: .venv/.play ## start the playground on http://127.0.0.1:3000 (PORT=… for another port, Ctrl-C stops it)
	@exec $(VENV) -m playground --port $(PORT)

# What one of the tests' many processes compiled, the others need not compile again.
test coverage: export PYTHONDONTWRITEBYTECODE :=

# The gate tries more examples of each property.
coverage: export PENNY_EXAMPLES ?= 100

test: .venv/.dev ## run the whole test suite
	@$(VENV) -m $(PYTEST)

check: format lint types coverage docs ## run the gate: format, lint, types, tests with their coverage, docs

format: .venv/.dev
	@$(VENV) -m ruff format --check .

lint: .venv/.dev
	@$(VENV) -m ruff check .

types: .venv/.dev
	@$(VENV) -m mypy

coverage: .venv/.dev
	@$(VENV) -m coverage erase
	@$(VENV) -m coverage run -m $(PYTEST)
	@$(VENV) -m coverage combine -q
	@$(VENV) -m coverage report --fail-under=$(COVERED)

docs: .venv/.dev
	@$(VENV) docs/examples.py --check && echo 'docs up to date'

screenshots: .venv/.dev ## take the pictures of README and docs in the browser that is installed here
	@exec $(VENV) -m docs.screenshots

# Only a NAME given to make counts: some shells have a variable of that name.
bench: .venv/.play ## run the yardsticks (NAME=load for one of them)
	@exec $(VENV) -m bench $(if $(filter command,$(firstword $(origin NAME))),"$$NAME",all)

## --- run it -------------------------------------------------------------------------------------------------

# A running playground leaves its environment in .playground/env, so that nothing has to be exported.
report: .venv/.play ## print what was spent in a month (CHANNEL=general, or all; MONTH=2026-11, or this one)
	@if [ -z "$$USAGE_TABLE" ] && [ -f .playground/env ]; then \
	  echo 'penny: USAGE_TABLE is not set, so this is the playground (.playground/env)' >&2; \
	  . ./.playground/env; \
	fi; \
	exec $(VENV) -m router report $${CHANNEL:+--channel "$$CHANNEL"} $${MONTH:+--month "$$MONTH"}

secrets: .venv/.play ## keep the secrets of a stage in SSM: asks without echo, tells what is missing (STAGE=dev)
	@exec $(VENV) -m deploy.secrets $${STAGE:+--stage "$$STAGE"}

redrive: .venv/.play ## bring the dead letters of a stage back into its queue (STAGE=prod)
	@if [ -z "$(STAGE)" ]; then echo 'Which stage? make redrive STAGE=dev' >&2; exit 2; fi
	@exec $(VENV) -m deploy.redrive --stage "$(STAGE)"

manifest: | .venv/bin/pip ## print the Slack app's manifest with the endpoint in it (URL=https://…)
	@exec $(VENV) -m deploy.manifest "$$URL"

## --- deploy it ----------------------------------------------------------------------------------------------

# Plain `npx serverless deploy --stage …` does the same: what is checked and made beforehand is the plugin's work.
SERVERLESS := node_modules/.bin/serverless

# The AWS SDK warns of the end of Node 20.
export NODE_NO_WARNINGS := 1

package: node_modules/.installed | .venv/bin/pip ## make what is deployed, build/penny.zip, and check the template
	@$(SERVERLESS) package $${STAGE:+--stage "$$STAGE"}

e2e: .venv/.deploy node_modules/.installed ## deploy to a local AWS, drive it, update it, remove it: no account needed
	@exec $(VENV) -m deploy.e2e

deploy: node_modules/.installed | .venv/bin/pip ## deploy to AWS (STAGE=dev; AWS_REGION and credentials from the shell)
	@if [ -z "$$STAGE" ]; then echo 'Which stage? make deploy STAGE=dev' >&2; exit 2; fi; \
	exec $(SERVERLESS) deploy --stage "$$STAGE"

clean: ## remove all that these commands made, .venv too
	@rm -rf .venv node_modules build .serverless .playground .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

## --- what they need -----------------------------------------------------------------------------------------

# pip comes last when a virtual environment is made, so a half-made one is made again.
.venv/bin/pip:
	@for python in $(or $(PYTHON),$(PYTHONS)); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Making .venv with $$("$$python" --version)"; \
	    exec "$$python" -m venv --clear .venv; \
	  fi; \
	done; \
	echo 'Penny needs Python 3.11 or newer, and none of these is one: $(or $(PYTHON),$(PYTHONS))' >&2; \
	echo 'Install one, or name it: make setup PYTHON=/path/to/python3.13' >&2; \
	exit 1

.venv/.play: requirements.txt requirements-play.txt | .venv/bin/pip
	@echo 'Installing what the playground needs (once)'
	@$(VENV) -m pip install --require-virtualenv -r requirements-play.txt
	@touch $@

.venv/.dev: requirements.txt requirements-play.txt requirements-dev.txt | .venv/bin/pip
	@echo 'Installing everything for development (once)'
	@$(VENV) -m pip install --require-virtualenv -r requirements-dev.txt
	@touch .venv/.play $@

.venv/.deploy: requirements.txt requirements-play.txt requirements-deploy.txt | .venv/bin/pip
	@echo 'Installing what tries a deployment out (once)'
	@$(VENV) -m pip install --require-virtualenv -r requirements-deploy.txt
	@touch .venv/.play $@

node_modules/.installed: package.json package-lock.json .npmrc
	@if ! command -v npm >/dev/null; then \
	  echo 'Deploying needs Node.js 20.19 or newer with npm: https://nodejs.org' >&2; exit 1; \
	fi
	@echo 'Installing what deploys (once)'
	@npm ci
	@touch $@

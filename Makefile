# sakshi: the two commands of the README are `make demo` and `make test`. Each sets up what it needs.

PYTHON ?= python3
PORT ?= 9090
SERVICE_PORT ?= 5000
DURATION ?=
VENV := .venv
BIN := $(VENV)/bin
PAGE_SOURCES := $(wildcard ui/*.json ui/*.ts ui/*.js ui/*.html) $(shell find ui/src ui/public -type f 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: demo test check format torture bench reach page peers picture lock clean help

demo: .build/venv .build/page ## Watch a live messaging service fail and recover (DURATION=120, PORT=, SERVICE_PORT=)
	@$(BIN)/sakshi demo --port $(PORT) --service-port $(SERVICE_PORT) $(if $(DURATION),--duration $(DURATION))

test: .build/venv .build/page .build/peers ## Everything that must pass: lint, types, floors, page, tests, real peers, browser
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/page.py check
	$(BIN)/python -m pytest -n 2 --dist loadscope -q

check: .build/venv ## The inner loop, under a minute: lint, types, floors, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 -q -m "not slow"

reach: .build/venv .build/page .build/peers ## Run the tests under coverage; fails below the floors of docs/STYLE.md
	$(BIN)/python tools/reach.py

torture: .build/venv .build/peers ## Kill, cut the power, damage, fill the disk, many times: nothing acknowledged may be lost
	$(BIN)/python -m torture kill --control early
	$(BIN)/python -m torture cut --control normal
	$(BIN)/python -m torture cut --control off
	$(BIN)/python -m torture mutate --control forged
	$(BIN)/python -m torture full --control forgetful
	$(BIN)/python -m torture clock --control waiting
	$(BIN)/python -m torture repeat --control restamping
	$(BIN)/python -m torture bomb --control open
	$(BIN)/python -m torture flood --control open
	$(BIN)/python -m torture hostile --control forgetful
	$(BIN)/python -m torture promql --control late
	$(BIN)/python -m torture query --control deaf
	$(BIN)/python -m torture query --control hoarding
	$(BIN)/python -m torture kill
	$(BIN)/python -m torture cut
	$(BIN)/python -m torture mutate
	$(BIN)/python -m torture full
	$(BIN)/python -m torture clock
	$(BIN)/python -m torture repeat
	$(BIN)/python -m torture bomb
	$(BIN)/python -m torture flood
	$(BIN)/python -m torture hostile
	$(BIN)/python -m torture promql
	$(BIN)/python -m torture query

bench: .build/venv .build/rivals ## Measure sakshi beside its peers and print the ratios
	$(BIN)/python benchmarks/run.py

format: .build/venv ## Format the code and apply safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

page: .build/page ## Build the page (TypeScript and Svelte) into src/sakshi/web/static

peers: .build/peers ## Bring the real peers that tests run against: Prometheus, Alertmanager, Chromium

picture: .build/venv .build/page .build/peers ## Take README's picture anew, in the tests' browser (four minutes)
	$(BIN)/python tools/picture.py

lock: .build/venv ## Resolve requirements/dev.in anew, with hashes
	$(BIN)/python tools/lock.py

clean: ## Remove everything that was built or installed here
	rm -rf $(VENV) .build dist ui/node_modules src/sakshi/web/static demo-data

help: ## Print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.build/venv: requirements/dev.txt pyproject.toml tools/environment.py
	@$(PYTHON) tools/environment.py $(VENV)
	@mkdir -p .build && touch $@

.build/page: .build/venv tools/page.py $(PAGE_SOURCES)
	@$(BIN)/python tools/page.py build
	@touch $@

.build/rivals: .build/peers
	@$(PYTHON) tools/peers.py --bench
	@touch $@

.build/peers: tools/peers.py tools/debian.py
	@$(PYTHON) tools/peers.py
	@mkdir -p .build && touch $@

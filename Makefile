# SPDX-License-Identifier: AGPL-3.0-or-later
# make demo    everything at work on this machine (ARGS=--once to stop at the end)
# make test    every test, after installing what they need
# make help    the other targets

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements-dev.lock
PEERS  := octoprint klipper prusalink cncjs

.DEFAULT_GOAL := help
.PHONY: help demo test test-peers lint stubs corpus bench-measure docs lock contract-baseline system-packages peers-system-packages clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*##/  make \1\t/p' $(MAKEFILE_LIST) | expand -t 28

demo: $(VENV)/.node  ## three shops, two designs, five gears, in the terminal; ARGS=--once ends by itself
	$(BIN)/commonfab demo $(ARGS)

# The tests start the program hundreds of times: compiled beforehand, a command takes a quarter less, also where Python may not write down
# what it compiled (PYTHONDONTWRITEBYTECODE).
test: system-packages $(VENV)/.dev .peers/octoprint/.installed .peers/klipper/.installed  ## install what the tests need and run every one; ARGS go to pytest
	$(BIN)/python hatch_build.py
	$(BIN)/python -m compileall -q commonfab registry router shop_agent cli
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

# Files that drive a real program name its peer; each file stays with one worker, which starts that program once.
test-peers: peers-system-packages $(VENV)/.dev $(PEERS:%=.peers/%/.installed)  ## install every machine server, also those that make test leaves out, and run the tests that drive one
	$(BIN)/python hatch_build.py
	COMMONFAB_REQUIRE_PEERS=all $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS) \
	  $$(grep -rl --include='test_*.py' 'from peers\.[a-z_]*\.peer import' tests)

lint: $(VENV)/.dev  ## style, types, and the contract
	$(BIN)/python hatch_build.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/released.binpb

stubs: $(VENV)/.dev  ## build commonfab/v1 from proto/
	$(BIN)/python hatch_build.py

corpus: $(VENV)/.dev  ## run every file of $COMMONFAB_SHARED/corpus into build/corpus.csv; ARGS=PATH for another table
	$(BIN)/python hatch_build.py
	$(BIN)/python benchmarks/corpus.py $(ARGS)

bench-measure: $(VENV)/.dev  ## what measuring costs beside plain reading; ARGS="--rounds 3 --only stl,step"
	$(BIN)/python hatch_build.py
	$(BIN)/python benchmarks/measure.py $(ARGS)

docs: $(VENV)/.dev  ## rebuild the tables of docs/ from the code
	$(BIN)/python docs/build_reference.py

lock: $(VENV)/.dev  ## write the exact versions that fit pyproject.toml; ARGS=--upgrade for newer ones
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	cp $(LOCK) $(LOCK).new
	$(BIN)/uv pip compile pyproject.toml --extra node --extra desk --group dev --universal --python-version 3.11 \
	  --no-annotate --no-header --no-emit-index-url --quiet $(ARGS) --output-file $(LOCK).new
	{ echo '# SPDX-License-Identifier: AGPL-3.0-or-later'; \
	  echo '# The exact versions that the project is developed and tested with. Made by `make lock`.'; cat $(LOCK).new; } > $(LOCK)
	rm $(LOCK).new

contract-baseline: $(VENV)/.dev  ## declare today's contract released: later changes must not break it
	$(BIN)/buf build --exclude-source-info -o proto/released.binpb

system-packages:
	@deploy/system-packages.sh

peers-system-packages:
	@deploy/system-packages.sh all

clean:  ## remove what make made
	rm -rf $(VENV) .peers commonfab/v1 build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamp files say what is installed, so that a second run starts at once.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Commonfab needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)."; \
	  echo "Install one and name it: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "'$(PYTHON) -m venv' does not work here (Debian: apt install python3-venv)."; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.node: $(VENV)/.made pyproject.toml hatch_build.py $(LOCK) $(wildcard proto/commonfab/v1/*.proto)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[node]'
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml hatch_build.py $(LOCK) $(wildcard proto/commonfab/v1/*.proto)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@ $(VENV)/.node

# A real OctoPrint, in an environment of its own because it wants other versions of what we use.
.peers/octoprint/.installed: tests/peers/octoprint/requirements.txt | $(VENV)/.made
	$(BIN)/python -m venv --clear .peers/octoprint
	.peers/octoprint/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# A real Klipper, and Moonraker beside it, which wants other versions than Klipper does. Klipper is compiled; where that does not work the
# tests that need it are skipped, or fail where COMMONFAB_REQUIRE_PEERS=1.
.peers/klipper/.installed: $(wildcard tests/peers/klipper/requirements*.txt) | $(VENV)/.made
	@$(BIN)/python -m venv --clear .peers/klipper && $(BIN)/python -m venv .peers/klipper/moonraker \
	  && .peers/klipper/bin/python -m pip install --quiet --disable-pip-version-check -r tests/peers/klipper/requirements.txt \
	  && .peers/klipper/moonraker/bin/python -m pip install --quiet --disable-pip-version-check \
	    -r tests/peers/klipper/requirements-moonraker.txt \
	  && touch $@ || { rm -rf .peers/klipper; echo "Klipper cannot be installed here (Debian: apt install build-essential libusb-dev)."; }

# A real PrusaLink. Two of its wheels are built here, for which Debian needs libcap-dev.
.peers/prusalink/.installed: tests/peers/prusalink/requirements.txt | $(VENV)/.made peers-system-packages
	$(BIN)/python -m venv --clear .peers/prusalink
	.peers/prusalink/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# A real CNCjs (Node 18 or newer). Its install scripts are not needed: the serial port's binding comes built.
.peers/cncjs/.installed: tests/peers/cncjs/package.json
	@command -v npm >/dev/null || { echo "CNCjs needs npm (Debian: apt install npm)."; exit 1; }
	mkdir -p .peers/cncjs && cp $< .peers/cncjs/
	npm install --prefix .peers/cncjs --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error
	@touch $@

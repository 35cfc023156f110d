# make demo    the whole dialer on this machine, for about a minute, with a live board (DEMO=--web: with the console, --edge: through Kamailio)
# make test    everything that must pass before a commit
# make chaos   kills, freezes, slows down and poisons a whole installation under load, and checks the books (CHAOS="--times 50")
# make fuzz       every decoder with examples that CI has not seen, for an hour (FUZZ="--seconds 600 --seed 7")
# make fuzz-sip   a SIP peer out of its mind, for an hour (FUZZ="--seconds 60 --seed 7"); a quarter of a minute of it is in CI
# make bench   calls per second, hand-over delay, memory and audio, with SIPp as the far end; direct, by the edge, bare
# make bench-engine   what the engine and the board cost on the event loop, with 1 campaign and with many
# make bench-register   a national register of 5 million numbers: size, import, look-ups (NUMBERS=250000000: a large one)
# make bench-evidence   evidence on the disk of this folder: delay, speed, size
# make bench-recording   what recording costs the workers, and how fast talks are encoded (BENCH="--talks 150")
# make bench-listening   what supervisors who listen cost the workers, audio that is lost, and the delay
# make bench-standing   phones on the line against phones that are rung: answer to audio both ways, and what agents cost
# make bench-machines   people taken for machines and machines found, on synthetic answers (needs espeak-ng and flite)
# make bench-console   what the console costs with 50 viewers and 300 agents, and how soon a change is seen
# make bench-outbox   what telling the CRM costs with registered readers, against streams cut at a length
# make bench-leads   100,000 leads reopened, cancelled and moved beside a floor that dials
# make bench-archive   a month of two million attempts in the archive: size, reports, what the writer costs; ten minutes
# make bench-compliance   the gates with a million histories, caps under fire, the preflight of a million leads
# make bench-pacing   every pacing policy on the same 30 simulated days; writes docs/pacing-scoreboard.md (SEEDS=4: a look)
# make language  the sentences that are marked in the code, into the catalogues of translations; names what lacks one
# make lock     versions of constraints.txt with the hashes of their files, into requirements/; after a change of either
# make sbom     what the product is made of, with versions, licences and hashes, CycloneDX: build/sbom.cdx.json
# make audit    known vulnerabilities of what the product is made of (asks the network)
# make deb      the package, build/deb/*.deb; make test-deb installs it in a fresh Debian, make test-systemd has a real systemd
#               start, kill, lock up, upgrade and remove its units (root, mmdebstrap, systemd-container; some minutes)
# make mutants  whether the tests notice small changes to rules, pacing, engine, gate and settlement; half an hour
#
# The first run makes a virtual environment in .venv; later runs reuse it until pyproject.toml or requirements/ change.

# The first Python that fits: the pjsua2 wheel exists for 3.11 and 3.12.
FITS := import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12)])
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do $$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
QUIETLY := --quiet --disable-pip-version-check

# Tests start hundreds of Python processes: without bytecode on the disk each would compile the whole product anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test lint types compiled unit chaos fuzz fuzz-sip language lock sbom audit deb test-deb test-systemd bench bench-engine bench-pacing bench-register bench-evidence bench-recording bench-listening bench-console bench-standing bench-machines bench-outbox bench-leads bench-compliance bench-archive mutants format clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements/test.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 with its venv module is needed: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (a minute the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(QUIETLY) --require-hashes --requirement requirements/test.txt
	@$(BIN)/python -m pip install $(QUIETLY) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/dialer demo $(DEMO)

test: lint types unit

lint: $(STAMP)
	@$(BIN)/ruff format --check --quiet . || { echo "run 'make format'"; exit 1; }
	@$(BIN)/ruff check --quiet .

types: $(STAMP)
	@$(BIN)/mypy

# What every process of the tests would else compile for itself in a fresh clone: pacing's kernels, and the tests.
compiled: $(STAMP)
	@$(BIN)/python -c "from pacing.warmup import warm_up; warm_up()"
	@said=$$($(BIN)/python -m pytest --collect-only -qq) || { echo "$$said"; exit 1; }

# Much of a test is waiting for processes: four at a time on two cores. A file's tests stay together, as they share
# servers, and begin in the order of the folders, the longest files first (tests/conftest.py).
JOBS ?= 4

unit: $(STAMP)
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

chaos: $(STAMP)
	@$(BIN)/python -m tests.chaos $(CHAOS)

fuzz: $(STAMP)
	@$(BIN)/python -m tests.fuzz_decoders $(FUZZ)

fuzz-sip: $(STAMP)
	@$(BIN)/python -m tests.sip.fuzz $(FUZZ)

bench: $(STAMP)
	@$(BIN)/python -m tests.bench.pipeline $(BENCH)

bench-engine: $(STAMP)
	@$(BIN)/python -m tests.bench.engine $(BENCH)

SEEDS ?= 30

bench-pacing: $(STAMP)
	@$(BIN)/python -m tests.bench.pacing --seeds $(SEEDS) $(BENCH)

NUMBERS ?= 5000000

bench-register: $(STAMP)
	@$(BIN)/python -m tests.bench.register --numbers $(NUMBERS) $(BENCH)

bench-evidence: $(STAMP)
	@$(BIN)/python -m tests.bench.evidence $(BENCH)

bench-recording: $(STAMP)
	@$(BIN)/python -m tests.bench.recording $(BENCH)

bench-listening: $(STAMP)
	@$(BIN)/python -m tests.bench.listening $(BENCH)

bench-standing: $(STAMP)
	@$(BIN)/python -m tests.bench.standing $(BENCH)

bench-machines: $(STAMP)
	@$(BIN)/python -m tests.bench.machines $(BENCH)

bench-console: $(STAMP)
	@$(BIN)/python -m tests.bench.console $(BENCH)

bench-outbox: $(STAMP)
	@$(BIN)/python -m tests.bench.outbox $(BENCH)

bench-leads: $(STAMP)
	@$(BIN)/python -m tests.bench.leads $(BENCH)

bench-archive: $(STAMP)
	@$(BIN)/python -m tests.bench.archive $(BENCH)

bench-compliance: $(STAMP)
	@$(BIN)/python -m tests.bench.compliance $(BENCH)
	@$(BIN)/python -m tests.bench.preflight

mutants: $(STAMP)
	@$(BIN)/python -m pip install $(QUIETLY) --require-hashes --requirement requirements/mutants.txt
	@$(BIN)/python -m tests.mutants $(MUTANTS)

# What only these commands need stands beside the product, in environments of its own.
TOOLS := build/tools
SHIPPED := build/shipped

$(TOOLS)/.installed: requirements/tools.txt
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install $(QUIETLY) --require-hashes --requirement requirements/tools.txt
	@touch $@

# As systemd/README.md installs it.
$(SHIPPED)/.installed: pyproject.toml requirements/run.txt
	@$(PYTHON) -m venv $(SHIPPED)
	@$(SHIPPED)/bin/python -m pip install $(QUIETLY) --require-hashes --requirement requirements/run.txt
	@$(SHIPPED)/bin/python -m pip install $(QUIETLY) --no-deps --no-build-isolation .
	@touch $@

LOCK = $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
PINNED = pyproject.toml requirements/build.in --constraint constraints.txt

language: $(STAMP)
	@$(BIN)/python -m tests.language.catalogue

lock: $(TOOLS)/.installed
	@$(LOCK) $(PINNED) --output-file requirements/run.txt
	@$(LOCK) $(PINNED) --extra test --output-file requirements/test.txt
	@$(LOCK) $(PINNED) --extra mutants --output-file requirements/mutants.txt
	@$(LOCK) requirements/tools.in --output-file requirements/tools.txt

sbom: $(TOOLS)/.installed $(SHIPPED)/.installed
	@$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
	    --output-file build/sbom.cdx.json $(SHIPPED)/bin/python
	@echo "build/sbom.cdx.json"

audit: $(TOOLS)/.installed
	@$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements/run.txt

deb: $(STAMP)
	@systemd/debian/build $(BIN)/python

test-deb: deb
	@tests/systemd/rehearse_package

test-systemd: deb
	@tests/systemd/rehearse_units

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

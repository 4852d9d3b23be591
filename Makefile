# Everything runs in environments that the targets make themselves, from python3 and the pinned
# requirement files (.make/environments.py). `make` alone lists the targets.

# Makes the environments; newer than 3.10. Afterwards only .venv's Python is used.
PYTHON ?= python3
# Where `make run` listens, and where it keeps its data.
PORT ?= 8000
DATA ?= .b2b
# How many processes `make test` runs the tests in.
JOBS ?= 2
# How many cases `make fuzz` makes up, roughly.
CASES ?= 2500
# What `make build` builds for: the architecture in template.yaml.
ARCH ?= arm64
# What `make deploy` deploys: the stack's name, and parameters of the template (Name=value ...).
STACK ?=
PARAMETERS ?=
# Tags of the stack and of all that is in it (name=value ...); those it has already stay.
TAGS ?=
# More for pytest, `make run` or `make lock`, e.g. make test ARGS='tests/unit -k seats'
ARGS ?=

SET_UP = @command -v $(PYTHON) >/dev/null 2>&1 \
	|| { echo "There is no $(PYTHON) here. Install Python 3.11 or newer."; exit 1; }; \
	$(PYTHON) .make/environments.py

# Images of containers often forbid Python to keep byte code. The tests start hundreds of processes, and each would
# then compile all that it imports anew: twice the time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test e2e clients clients-quick fuzz races faults bench build deploy check format lock openapi
MAKEFLAGS += --no-print-directory

help:
	@echo "make run      start the whole product on this machine, at 127.0.0.1:$(PORT)   (PORT=, DATA=, ARGS=)"
	@echo "make test     run the tests                 (ARGS=tests/unit for those that take seconds, JOBS=2)"
	@echo "make e2e      deploy the template into an emulator, and run the contract tests there      (JOBS=2)"
	@echo "make clients  generate clients from the API's document in five ways, and run the main job with each"
	@echo "make clients-quick  as clients, in the two ways that CI runs"
	@echo "make fuzz     send made-up calls to the API, and compare the answers with its document   (CASES=2500)"
	@echo "make races    every race 20 times with 32 threads; 2,000 students' operation with its worker killed; 10,000 migrated"
	@echo "make faults   break Thinkific, the queues and the workers, and show that nothing is lost"
	@echo "make bench    measure what the product costs, each figure beside its target   (ARGS='--only init')"
	@echo "make build    build what is deployed into build/  (ARCH=arm64 or x86_64; needs python3.13)"
	@echo "make deploy   deploy a school, or its next version      (STACK=name, PARAMETERS='Name=value ...')"
	@echo "make check    run every check that CI runs beside the tests"
	@echo "make format   sort the imports and format the code"
	@echo "make openapi  write the API's document anew after a change of the routes"
	@echo "make lock     pin anew after a change of the dependencies in pyproject.toml   (ARGS=--upgrade)"
	@echo "make setup    only make the environments; run, test and the others do so themselves"
	@echo "Needed: $(PYTHON), 3.11 or newer, with its venv module, and a package index."

setup:
	$(SET_UP) test emulator

run:
	$(SET_UP) run emulator
	@exec .venv/bin/b2b local --port $(PORT) --data "$(DATA)" --parent $$PPID $(ARGS)

test:
	$(SET_UP) test emulator
	@.venv/bin/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

e2e:
	$(SET_UP) test emulator sam
	@.venv/bin/python -m pytest tests/e2e tests/contract --deployed -m "not local" -n $(JOBS) --dist loadfile \
		-o faulthandler_timeout=900 $(ARGS)

clients:
	$(SET_UP) test emulator clients go-clients
	@.venv/bin/python -m pytest tests/clients -o faulthandler_timeout=900 $(ARGS)

clients-quick:
	$(SET_UP) test emulator clients
	@.venv/bin/python -m pytest tests/clients/test_python.py tests/clients/test_typescript.py -k "not hey" $(ARGS)

fuzz:
	$(SET_UP) test emulator
	@FUZZ_CASES=$(CASES) .venv/bin/python -m pytest tests/fuzz $(ARGS)

races:
	$(SET_UP) test emulator
	@.venv/bin/python -m pytest tests/integration/test_races*.py tests/integration/test_killed_operations.py \
		tests/integration/test_migrating_under_load.py \
		--rounds 20 --students 2000 --migrating 10000 -o faulthandler_timeout=3600 $(ARGS)

faults:
	$(SET_UP) test emulator
	@.venv/bin/python -m pytest tests/faults $(ARGS)

bench:
	$(SET_UP) test emulator
	@.venv/bin/python -m tests.bench $(ARGS)

build:
	$(SET_UP) test
	@.venv/bin/python .make/build.py $(ARCH) $(ARGS)

deploy:
	$(SET_UP) test sam
	@.venv/bin/python .make/deploy.py "$(STACK)" --arch $(ARCH) --parameters '$(PARAMETERS)' \
		--tags '$(TAGS)' $(ARGS)

check:
	$(SET_UP) test audit
	@.venv/bin/python .make/check.py

format:
	$(SET_UP) test
	@.venv/bin/python -m ruff check --quiet --select I --fix .
	@.venv/bin/python -m ruff format .

lock:
	$(SET_UP) test
	@.venv/bin/python .make/lock.py $(ARGS)

openapi:
	$(SET_UP) test
	@.venv/bin/python -m b2b_cli.openapi

# The two commands are `make demo` and `make test`; both set everything up by themselves.
BIN := .venv/bin

.PHONY: help setup demo test foreign check bench bench-delivery bench-inbox bench-memory bench-pull faults night simulate properties burst soak mutations mutate-rules sweep-traps lock clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:  ## .venv from the committed lock
	@sh scripts/setup.sh

demo: setup  ## sandbox and Airflow on free loopback ports, the whole way of 5,000 records; ONCE=1 ends by itself
	@$(BIN)/python -m sandbox.demo $(if $(ONCE),--once) $(if $(RECORDS),--records $(RECORDS))

test: setup  ## all tests, on SQLite and, where its binaries are at hand, on a private PostgreSQL
	@$(BIN)/python -m pytest

foreign: setup  ## the tests against servers that are not ours; Debian: openssh-server, mariadb-server, libjaxws-java, npm
	-@npm install --prefix var/foreign --no-audit --no-fund --silent soap@1.13.0 json-server@0.17.4
	@$(BIN)/python -m pytest -m foreign -rs

check: setup  ## what CI checks: style, types, doors between rooms, tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest

bench: setup  ## records per second and per CPU-second of each stage, beside a plain COPY
	@$(BIN)/python -m bench

bench-pull: setup  ## what pulling alone costs a record
	@$(BIN)/python -m bench.pull

bench-memory: setup  ## the most memory that pull, normalise and push hold, for 100 thousand and for 2 million records
	@$(BIN)/python -m bench.memory $(RECORDS)

bench-inbox: setup  ## requests and records per second of gw serve, beside a bare FastAPI insert
	@$(BIN)/python -m bench.inbox

faults: setup  ## every crash point 20 times, with a second worker, a dying platform and jumping clocks; SEED=n REPEATS=n
	@$(BIN)/python -m tests.faults.campaign $(if $(SEED),--seed $(SEED)) $(if $(REPEATS),--repeats $(REPEATS))

simulate: setup  ## all faults alone and in pairs, 5,000 random schedules, every broken design, in one process; SEED=n SCHEDULES=n WORKERS=n
	@$(BIN)/python -m tests.simulation.campaign $(if $(SEED),--seed $(SEED)) $(if $(SCHEDULES),--schedules $(SCHEDULES)) $(if $(WORKERS),--workers $(WORKERS))

properties: setup  ## the invariants of delivery after every step of random courses; EXAMPLES=n STEPS=n SEED=n
	@EXAMPLES=$(or $(EXAMPLES),300) STEPS=$(or $(STEPS),30) $(BIN)/python -m pytest --timeout=0 $(if $(SEED),--hypothesis-seed=$(SEED)) tests/simulation/test_properties.py

burst: setup  ## 100,000 records in 1,000 batches to a platform that refuses 10 % and loses 1 %; SCALE=n RECORDS=n SEED=n
	@$(BIN)/python -m tests.burst.burst $(if $(SCALE),--scale $(SCALE)) $(if $(RECORDS),--records $(RECORDS)) $(if $(SEED),--seed $(SEED))

night: setup  ## an operator's night with five troubles, by gw alone; writes docs/上报运维手册.md
	@$(BIN)/python -m tests.faults.night --write

bench-delivery: setup  ## batches and records per second, beside a bare POST; memory of the largest batch; recovery after a kill
	@$(BIN)/python -m bench.delivery

soak: setup  ## a million records pulled through ten interruptions: nothing lost, nothing twice; SEED=n RECORDS=n
	@$(BIN)/python -m tests.faults.soak $(if $(SEED),--seed $(SEED)) $(if $(RECORDS),--records $(RECORDS))

mutations: setup  ## deliberately broken variants: each must be caught at its crash point
	@$(BIN)/python -m pytest tests/faults/broken_variants.py

mutate-rules: setup  ## take every rule and code out, one after the other, and see a check notice; writes docs/规则核对.md
	@$(BIN)/python -m tests.rules.mutate --write

sweep-traps: setup  ## twenty trap towns of 10,000 records, each from its own seed, against the oracle
	@$(BIN)/python -m tests.integration.traps.sweep 20

lock: setup  ## compile requirements.lock anew from pyproject.toml
	@UV_SYSTEM_CERTS=1 $(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock

clean:  ## take .venv and var away
	rm -rf .venv var

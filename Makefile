# Every target first installs what is missing; see tools/bootstrap.sh. `make demo` and `make test` are the two to know.

# Node 24 comes with the npm packages; the machine's own Node only has to fetch them.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# The stages say how long the installation before them took.
export STAGES_SINCE_MS := $(shell date +%s%3N)

.PHONY: help install check check\:fast test demo bench chaos mutate soak

help:
	@echo 'make demo       run everything on this machine: worker, scheduler, own PostgreSQL and Redis, sandbox'
	@echo 'make test       all checks and tests'
	@echo 'make check      types, lint, format, unused code, import directions, documents'
	@echo 'make check:fast while you write, in half a minute: types, lint, import directions, documents, all unit tests'
	@echo 'make bench      measurements'
	@echo 'make chaos      kills, restarts and outages under full load; SEED=1 MINUTES=3 SEEDS=1'
	@echo 'make mutate     how many small mistakes in payments, delivery, limits, reminders, brakes and roles the tests notice; AREA=brakes'
	@echo 'make soak       a quarter of an hour of load, to see that nothing grows; MINUTES=15'
	@echo 'make install    only install what is missing'

install:
	@tools/bootstrap.sh

check check\:fast test bench chaos mutate soak: install
	@npm run --silent $@

# Not through npm, which makes an error of Ctrl-C, the usual end of it.
demo: install
	@node tools/demo/main.ts

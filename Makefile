# The whole of daily work. `make` alone lists it.
#
#   SWIFT_FLAGS     more flags for every build; the same ones everywhere, or everything is built again
#   CONFIGURATION   debug or release, for serve
#   TEST_WIDTH      how many tests run at a time: all at once would wait for each other, and time out on a busy machine
#   ARGS            more arguments, for serve: make serve ARGS="--listen 127.0.0.1:9000"

SWIFT_FLAGS ?=
CONFIGURATION ?= debug
TEST_WIDTH ?= 32
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help serve test build lint format bench docs ci clean

help:
	@echo "make serve    install what is missing, build, and run keel serve on 127.0.0.1:8080"
	@echo "make test     install what is missing, and run every test"
	@echo "make build    build everything, tests included"
	@echo "make lint     check the formatting"
	@echo "make format   mend the formatting"
	@echo "make bench    measure, beside the peers"
	@echo "make docs     build the documentation into .build/docs"
	@echo "make ci       what the build server runs"

serve:
	@scripts/serve $(CONFIGURATION) $(SWIFT_FLAGS) -- $(ARGS)

test:
	@scripts/install-deps test
	@swift test --quiet --disable-xctest --experimental-maximum-parallelization-width $(TEST_WIDTH) $(SWIFT_FLAGS)

build:
	@scripts/install-deps build
	@swift build --quiet --build-tests $(SWIFT_FLAGS)

lint:
	@scripts/format lint --strict

format:
	@scripts/format --in-place

bench:
	@scripts/install-deps bench
	@scripts/bench $(ARGS)

docs:
	@scripts/docs

ci:
	@.ci/run

clean:
	@swift package clean

# Thin: what people type. CMake knows how things are built, tests/report counts what the tests say.
# make demo | make test | make help
JOBS  ?= $(shell nproc)
BUILD  = build/release

.PHONY: all check test test-long soak demo bench format tidy help packages packages-test packages-bench packages-ui

all: packages packages-ui ## build everything into build/release/bin
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)

check: packages packages-test ## unit and lint tests, in seconds
	@cmake --workflow --preset check

test: packages packages-test packages-ui ## every kind of test; the last line counts them
	@tests/run short

test-long: packages packages-test packages-ui ## the long forms: more seeds, more kills, more names
	@tests/run long

soak: packages packages-test ## faults at random until one breaks a promise: FOR=10m, 8h, ...
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@TIP_BIN=$(CURDIR)/$(BUILD)/bin /usr/bin/python3 tests/faults/soak.py $(or $(FOR),10m)

demo: packages packages-ui ## the whole system on loopback with a simulated internet, on this screen
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target programs
	@tools/demo $(BUILD)

bench: packages packages-test packages-bench ## benchmarks beside their peers; AREA=bus|blacklist|storage|memory|snapshot|web|crowd for one
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@/usr/bin/python3 tests/bench/run.py --build $(BUILD) $(if $(AREA),--area $(AREA))

format: ## let clang-format have its way
	@git ls-files '*.c' '*.h' | xargs clang-format -i

tidy: packages packages-test ## clang-tidy over our own code
	@cmake --preset clang >/dev/null && cmake --build build/clang -j $(JOBS) --target tip_proto >/dev/null
	@git ls-files '*.c' | grep -v -e '^tests/' | xargs -P $(JOBS) -n 4 clang-tidy -p build/clang --quiet

packages:
	@tools/install-packages packages.txt

packages-test:
	@tools/install-packages packages-test.txt

packages-bench:
	@tools/install-packages packages-bench.txt

# Node of another origin conflicts with Debian's: it is installed only where there is none.
packages-ui:
	@command -v npm >/dev/null || command -v node >/dev/null || tools/install-packages packages-ui.txt

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

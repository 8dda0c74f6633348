# Everything from a fresh checkout: `make bench` and `make test` need nothing else done first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is there already, in the order in which it comes: a compiler's tools, the libraries that run,
# what `make bench` needs, what tests and checks need.
TOOLS := $(VENV)/.tools
LIBRARIES := $(VENV)/.libraries
RUNS := $(VENV)/.bench
INSTALLED := $(VENV)/.installed
BUILT := build/.built
PANDAS3 := .venv-pandas3
FRAMEWORKS := .venv-frameworks
SOURCES := setup.py $(shell find cext -name '*.pyx' -o -name '*.pxd' -o -name '*.h')

# Python that Spark starts for workers; the virtual environment is not activated.
export PYSPARK_PYTHON := $(CURDIR)/$(BIN)/python

# The Spark versions before the one in the virtual environment, each with its own environment; the one
# that takes longest comes first.
VERSIONS := 3.5 4.0 4.1 4.2
VERSION_ENVIRONMENTS := .cache/versions
# That of the virtual environment, and those that test-matrix tests.
NEWEST := 4.3
SPARK ?= $(VERSIONS) $(NEWEST)
# How many of them, and of the test files of `make test`, are run at the same time; each takes less
# than a core.
AT_ONCE ?= 3

# For the JVMs of `make test`, most of which live for some seconds: the classes that Spark loads, which
# is half of its start, no second compiler, and no word where a class path is another.
CLASSES := build/classes.jsa
SHORT_LIVED := -XX:SharedArchiveFile=$(CURDIR)/$(CLASSES) -Xlog:disable -XX:TieredStopAtLevel=1 -XX:+UseSerialGC

# The Spark that tests start on: links to the installed one, with code for what workers import.
SPARK_LINKS := $(VENV)/spark
SHORT := SPARK_HOME=$(CURDIR)/$(SPARK_LINKS) SPARK_SUBMIT_OPTS="$(SHORT_LIVED)"

# uv installs faster than pip, but reads none of pip's configuration: `make UV=` does without it.
# Of an environment a fraction is ever imported, and compiled then: once, so that must be kept. Images
# of containers often say otherwise, and each start of Python takes three times as long.
unexport PYTHONDONTWRITEBYTECODE
UV := $(shell command -v uv)
install = DIST_EXTRA_CONFIG=$(CURDIR)/.ci/unpacked.cfg \
    $(if $(UV),$(UV) pip install --python $(1)/bin/python,$(1)/bin/python -m pip install --no-compile) --quiet

.PHONY: help bench test test-slow test-pandas3 test-frameworks test-matrix versions quick parity faults soak cluster build jar debug sanitize fuzz planted lint docs wheels smoke clean requirements java
.DEFAULT_GOAL := help

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST) | column -t -s ':'

bench: java ## compare Hydrofoil with stock PySpark on a real local Spark (BENCH="--rows N --json FILE")
	@$(MAKE) --no-print-directory --jobs 2 build jar
	@echo "$(BIN)/hydrofoil bench $(BENCH)"
	@$(BIN)/hydrofoil bench $(BENCH)

test: java $(INSTALLED) build jar $(CLASSES) ## run all tests but those of test-matrix and test-slow (TESTS="tests/launch -k NAME" for some)
	$(SHORT) $(BIN)/python -m pytest $(or $(TESTS),-m "not slow" -n $(AT_ONCE) --dist loadfile tests --ignore=tests/matrix)

test-slow: java $(INSTALLED) build jar $(CLASSES) ## run the tests that take most of a minute or more, which make test leaves out
	HYDROFOIL_TEST_DRIVER_MEMORY=6g $(SHORT) $(BIN)/python -m pytest -m slow -n $(AT_ONCE) --dist loadfile tests --ignore=tests/matrix

test-pandas3: java build $(PANDAS3)/.installed $(CLASSES) ## run the comparisons of pandas functions on pandas 3 (TESTS="..." for others)
	$(SHORT) PYSPARK_PYTHON=$(CURDIR)/$(PANDAS3)/bin/python PYTHONPATH=$(CURDIR)/src \
	    $(PANDAS3)/bin/python -m pytest \
	    $(or $(TESTS),tests/unit/dataframes tests/parity/vectorized -k "not arrow and not Arrow")

test-frameworks: java build $(FRAMEWORKS)/.installed ## train gangs with the frameworks that are too large for the virtual environment
	PYSPARK_PYTHON=$(CURDIR)/$(FRAMEWORKS)/bin/python PYTHONPATH=$(CURDIR)/src \
	    $(FRAMEWORKS)/bin/python -m pytest tests/gang/test_gang_examples.py tests/gang/test_gang_backends.py \
	    tests/gang/test_gang_connect.py tests/gang/test_gang_elsewhere_tensorflow.py \
	    -k "jax or tensorflow or mirrored"

test-matrix: java $(INSTALLED) build jar $(CLASSES) ## compare with stock on every Spark version (SPARK="4.0 4.1" for some, TESTS="..." for others, MATRIX=full for all tests on each)
	@$(MAKE) --no-print-directory -j $(AT_ONCE) versions VERSIONS="$(filter-out $(NEWEST),$(SPARK))"
	printf '%s\n' $(patsubst $(VERSION_ENVIRONMENTS)/$(NEWEST),$(VENV),$(SPARK:%=$(VERSION_ENVIRONMENTS)/%)) | \
	    CLASSES=$(CURDIR)/$(CLASSES) xargs -P $(AT_ONCE) -I ENVIRONMENT sh .ci/version ENVIRONMENT $(TESTS)

versions: $(VERSIONS:%=$(VERSION_ENVIRONMENTS)/%/.installed) ## make the environments of the older Spark versions

quick: java $(INSTALLED) build jar ## run the tests that start no Spark of their own and are no comparison with stock
	$(BIN)/python -m pytest tests --ignore=tests/parity --ignore=tests/faults --ignore=tests/bench \
	    --deselect=tests/launch/test_turning_on.py

parity: java $(INSTALLED) build jar ## run all comparisons with stock PySpark, also those that a plain test run takes samples of
	HYDROFOIL_PARITY=full $(BIN)/python -m pytest $(or $(TESTS),tests/parity tests/faults \
	    tests/columnar/test_columnar_queries.py tests/columnar/test_columnar_nested.py \
	    tests/columnar/test_columnar_layouts.py tests/columnar/test_columnar_decimals.py \
	    tests/columnar/test_columnar_rows.py tests/decorators/test_aggregate.py \
	    tests/gang/test_gang_data_staging.py tests/driver tests/bridge tests/ml)

# Tests whose names stand in docs/reliability.md.
FAULT_TESTS := tests/faults tests/gang/test_gang_faults.py tests/gang/test_gang_connect.py \
    tests/columnar/test_columnar_failures.py tests/columnar/test_columnar_kills.py tests/docs/test_reliability.py

faults: java $(INSTALLED) build jar $(CLASSES) ## run what docs/reliability.md lists, stock beside Hydrofoil (FAULTS=long for large sizes, full disks, every kind of function)
	$(if $(filter long,$(FAULTS)),HYDROFOIL_PARITY=full HYDROFOIL_TEST_DRIVER_MEMORY=6g) $(SHORT) $(BIN)/python -m pytest \
	    $(if $(filter long,$(FAULTS)),,-m "not slow") -n $(AT_ONCE) --dist loadfile $(FAULT_TESTS)

soak: java build jar $(INSTALLED) ## run every kind of function in turn, then 32 tasks at a time: flat memory, right answers (SOAK_MINUTES=30 for each half)
	$(BIN)/python tests/soak/soak.py --minutes $(or $(SOAK_MINUTES),2) --crowd-minutes $(or $(SOAK_MINUTES),1)

cluster: java $(INSTALLED) build jar $(CLASSES) ## lose a host of a standalone cluster in mid-work (CLUSTER=long for every way that the package gets there)
	$(SHORT) $(BIN)/python -m pytest tests/cluster tests/gang/test_gang_cluster.py \
	    tests/gang/test_gang_connect_cluster.py $(if $(filter long,$(CLUSTER)),,-k "not archive and not image")

build: $(BUILT) $(RUNS) ## make the virtual environment and build the extension in place

jar: java $(LIBRARIES) ## compile the Scala sources into the jar that Spark loads
	@echo "hydrofoil: building the jar of the JVM's half, where it is of other sources"
	@$(BIN)/python jvm/build.py

debug: $(INSTALLED) ## build the extension with bounds checks and C line numbers
	HYDROFOIL_DEBUG=1 $(BIN)/python setup.py -q build_ext --inplace --force
	@rm -f $(BUILT)

sanitize: $(INSTALLED) $(BUILT) ## run the core's tests under the address and undefined-behaviour sanitizers (SANITIZE=long for all of them, TESTS="..." for others)
	$(BIN)/python .ci/sanitize.py $(TESTS)

fuzz: $(INSTALLED) ## try inputs that nobody sends, guided by what they reach of the core; needs clang (FUZZ=target, FUZZ_SECONDS=20 for each, FUZZ_HOURS=2 in all of its runs, or FUZZ_REACHED=1: what is reached)
	$(BIN)/python tests/fuzz/run.py $(FUZZ) $(if $(FUZZ_REACHED),--reached) $(if $(FUZZ_HOURS),--hours $(FUZZ_HOURS),--seconds $(or $(FUZZ_SECONDS),20))

planted: $(INSTALLED) $(BUILT) ## plant a bug of each kind in a copy of the tree, and see that the tools find it; needs clang
	$(BIN)/python tests/planted/plant.py

lint: $(INSTALLED) $(BUILT) ## check format, style, types, and the core's stubs against the core
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python jvm/lint.py
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint cext  # it starts pycodestyle by name
	$(BIN)/mypy
	$(BIN)/python .ci/stubs.py
	$(BIN)/python .ci/names.py
	PATH="$(CURDIR)/$(BIN):$$PATH" .ci/forge

docs: $(INSTALLED) ## make the documentation site in build/site, without the network
	@rm -rf build/site  # pages that are no more
	$(BIN)/python -m sphinx -b html -c docs -d build/doctrees -W --keep-going --quiet . build/site
	@echo "hydrofoil: open build/site/index.html"

wheels: $(INSTALLED) jar ## build a wheel for each CPython that is found into dist, and try each in an empty environment
	$(BIN)/python .ci/wheels.py dist $(WHEELS)

smoke: $(INSTALLED) jar ## try such wheels for the oldest, a middle and the newest CPython, compiled quickly
	@HYDROFOIL_OPTIMIZE=0 SPARK_SUBMIT_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" $(BIN)/python .ci/wheels.py .cache/smoke --newest-spark --pythons 3.10 3.12 3.13 $(WHEELS)

clean: ## remove what was built here
	rm -rf build dist .venv .venv-pandas3 .venv-frameworks .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks .cache
	rm -rf spark-warehouse metastore_db artifacts src/*.egg-info
	find src -name '*.so' -delete
	rm -rf src/hydrofoil/jars

# These speak first, so that what is missing is the first line of output.
requirements:
	@PYTHON="$(PYTHON)" sh .ci/requirements python

java:
	@PYTHON="$(PYTHON)" sh .ci/requirements java python

$(TOOLS): pyproject.toml constraints.txt | requirements
	@echo "hydrofoil: making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(call install,$(VENV)) --constraint constraints.txt "setuptools>=77" cython
	@touch $@

# While the core is compiled; those of pyproject.toml that the editable package asks for.
$(LIBRARIES): $(TOOLS)
	@echo "hydrofoil: installing PySpark, pandas and pyarrow"
	@$(call install,$(VENV)) --constraint constraints.txt \
	    pyspark pandas pyarrow numpy click rich psutil
	@touch $@

# The jar is made by its own target.
$(RUNS): $(LIBRARIES) | $(BUILT)
	@HYDROFOIL_WITHOUT_JAR=1 $(call install,$(VENV)) --constraint constraints.txt \
	    --no-build-isolation --editable ".[spark]"
	@touch $@

$(INSTALLED): $(RUNS)
	@echo "hydrofoil: installing what tests and checks need"
	@HYDROFOIL_WITHOUT_JAR=1 $(call install,$(VENV)) --constraint constraints.txt \
	    --no-build-isolation --editable ".[dev]"
	@touch $@

# Another pandas, before all else that the virtual environment has: same Python, so the extension is
# the one built in place, too.
PURELIB := import sysconfig; print(sysconfig.get_path('purelib'))
$(PANDAS3)/.installed: $(INSTALLED)
	$(PYTHON) -m venv --clear $(PANDAS3)
	$(call install,$(PANDAS3)) --no-deps pandas==3.1.1
	$(BIN)/python -c "$(PURELIB)" > "$$($(PANDAS3)/bin/python -c "$(PURELIB)")/others.pth"
	@touch $@

$(FRAMEWORKS)/.installed: $(INSTALLED)
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(call install,$(FRAMEWORKS)) pyspark==4.3.0 pandas==2.3.3 pyarrow==26.0.1 \
	    click rich psutil pytest hypothesis xgboost-cpu lightgbm jax==0.10.2 tensorflow-cpu==2.21.0 \
	    grpcio grpcio-status googleapis-common-protos zstandard
	@touch $@

# The extension is the one built in place here, too.
$(VERSION_ENVIRONMENTS)/%/.installed: tests/matrix/requirements/%.txt $(INSTALLED)
	$(PYTHON) -m venv $(@D)
	$(call install,$(@D)) --requirement $<
	$(@D)/bin/python .ci/spark.py $(@D)/spark
	@touch $@

$(SPARK_LINKS)/.made: .ci/spark.py $(LIBRARIES)
	@$(BIN)/python .ci/spark.py $(@D)

$(CLASSES): .ci/classes.py $(INSTALLED) $(SPARK_LINKS)/.made | java
	@mkdir -p $(@D)
	@rm -f $@
	SPARK_HOME=$(CURDIR)/$(SPARK_LINKS) $(BIN)/python .ci/classes.py $@

$(BUILT): $(TOOLS) $(SOURCES)
	@echo "hydrofoil: compiling the core"
	@$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

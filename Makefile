# Every target makes .venv, installs what it needs and rebuilds what changed.
# PYTHON=… names the interpreter .venv is made with; VENV=… another place for it.

VENV ?= .venv
RUN = $(VENV)/bin/python
PIP = $(RUN) -m pip --disable-pip-version-check install --quiet

# The first interpreter that is new enough and can both make environments and compile.
CAN_BUILD = import sys, ensurepip, os, sysconfig, venv; \
  sys.exit(sys.version_info < (3, 11) or not os.path.exists(sysconfig.get_path("include") + "/Python.h"))
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14 python; do \
  $$python -c '$(CAN_BUILD)' >/dev/null 2>&1 && echo $$python && break; done)

SOURCES = setup.py pyproject.toml $(wildcard algos/_cython/*.pyx algos/_cython/*.pxd algos/_cython/*.h)
BUILD_REQUIRES = import tomllib; \
  print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

# The packages of an optional group: installing ".[group]" would compile every extension again.
GROUP_REQUIRES = import tomllib; \
  groups = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
  own = {f"algos[{name}]": packages for name, packages in groups.items()}; \
  print(*(package for entry in groups["$*"] for package in own.get(entry, [entry])), sep="\n")

# One stamp a step: the environment, what the build needs, the build, and each group of optional
# packages.
ENVIRONMENT = $(VENV)/.stamp-environment
REQUIRES = $(VENV)/.stamp-requires
BUILD = $(VENV)/.stamp-build
extras = $(VENV)/.stamp-$(1)

.PHONY: help build demo test sklearn-tests debug sanitize clang nightly lint format types bench docs clean

help:
	@echo "make demo    all seven algorithms at work, with a table and a page of pictures"
	@echo "make test    the tests"
	@echo "make lint    style and types"
	@echo "make sklearn-tests   scikit-learn's tests, with our classes in the place of theirs"
	@echo "make debug           the tests with bounds checks in the kernels"
	@echo "make sanitize        the tests under the compiler's sanitizers"
	@echo "make clang           a build by Clang (CLANG=… names it), and the tests of the kernels"
	@echo "make nightly         arrays of every kind for each estimator, 100,000 each (hours)"
	@echo "make bench   the benchmarks (long; ARGS=--quick: a smoke test of a minute or two)"
	@echo "make docs    the documentation, into docs/_build/html"

$(ENVIRONMENT):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with its venv module and C headers is needed;" \
	  "name one with PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(REQUIRES): $(ENVIRONMENT) pyproject.toml
	@$(RUN) -c '$(BUILD_REQUIRES)' > $(VENV)/build-requires.txt
	$(PIP) --requirement $(VENV)/build-requires.txt
	@touch $@

# Built in place, what has changed; an editable install by itself would compile all each time.
$(BUILD): $(REQUIRES) $(SOURCES)
	@echo "building the extensions that have changed (all: a minute, or a few)"
	$(RUN) setup.py -q build_ext --inplace
	ALGOS_NO_EXTENSIONS=1 $(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.stamp-packages-%: $(REQUIRES) pyproject.toml
	@$(RUN) -c '$(GROUP_REQUIRES)' > $(VENV)/$*-requires.txt
	$(PIP) --requirement $(VENV)/$*-requires.txt
	@touch $@

.PRECIOUS: $(VENV)/.stamp-packages-%
$(VENV)/.stamp-%: $(BUILD) $(VENV)/.stamp-packages-%
	@touch $@

build: $(BUILD)

demo: $(call extras,demo)
	$(RUN) docs/examples/plot_all_seven.py --output demo-output/seven.png

test: $(call extras,test)
	$(RUN) -m pytest $(ARGS)

sklearn-tests: $(call extras,test)
	$(RUN) -m pytest -c tests/substitution/pytest.ini $(ARGS)

# A build with other settings, in a fresh copy of the sources: the normal build stays as it is.
COPIED = algos benchmarks docs tests pyproject.toml setup.py
define other_build
rm -rf build/$(1)
mkdir -p build/$(1)
tar -cf - --exclude="*.so" --exclude="*.c" --exclude=__pycache__ $(COPIED) | tar -xf - -C build/$(1)
cd build/$(1) && $(2) $(abspath $(RUN)) setup.py -q build_ext --inplace
endef

debug: $(call extras,test)
	$(call other_build,debug,ALGOS_DEBUG=1)
	cd build/debug && $(abspath $(RUN)) -m pytest $(ARGS)

CLANG ?= clang
clang: $(call extras,test)
	$(call other_build,clang,CC="$(CLANG)" CFLAGS="-Wall")
	cd build/clang && $(abspath $(RUN)) -m pytest $(or $(ARGS),tests/kernels)

# Python itself and numpy allocate without being watched, so leaks are not looked for.
SANITIZERS = $(foreach name,asan ubsan,$(shell $(CC) -print-file-name=lib$(name).so))
sanitized_pytest = cd build/sanitize && LD_PRELOAD="$(SANITIZERS)" \
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 $(abspath $(RUN)) -m pytest
sanitize: $(call extras,test)
	$(call other_build,sanitize,ALGOS_SANITIZE=1)
	$(sanitized_pytest) $(or $(ARGS),tests/kernels tests/ground tests/kmeans tests/pca)

# Other cases each day; SEED=… gives those of another day again.
SEED ?= $(shell date +%Y%m%d)
nightly: $(call extras,test)
	$(call other_build,sanitize,ALGOS_SANITIZE=1)
	$(sanitized_pytest) --hypothesis-profile nightly --hypothesis-seed $(SEED) -n auto \
	  $(or $(ARGS),tests/common/test_any_array*.py)

lint: $(call extras,lint)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/cython-lint algos/_cython
	$(RUN) -m mypy
	$(RUN) -m numpydoc.hooks.validate_docstrings algos/*.py algos/*/*.py algos/*/*/*.py

format: $(call extras,lint)
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

bench: $(call extras,bench)
	$(RUN) -m benchmarks.run all $(ARGS)

docs: $(call extras,docs)
	$(RUN) -m sphinx -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf build dist demo-output docs/_build docs/gallery docs/api/generated
	rm -f algos/_cython/*.c algos/_cython/*.so
	rm -f $(BUILD)

"""Settings of the whole suite."""

import os
from zlib import crc32

from hypothesis import settings

# Compiled code, subprocesses and other people's jobs make every deadline a lie.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile("few", parent=settings.get_profile("ci"), max_examples=15)
# `make nightly`: other cases each night, which the seed of that night gives again.
settings.register_profile("nightly", deadline=None, database=None, max_examples=100_000)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_addoption(parser):
    parser.addoption(
        "--one-in",
        type=int,
        default=1,
        metavar="N",
        help="run the first case of each test and one in N of the others, the same each time",
    )
    parser.addoption(
        "--as-if-vnni",
        action="store_true",
        help="choose as on a processor that multiplies 8-bit codes fast, whatever this one does",
    )


def pytest_configure(config):
    if config.getoption("--as-if-vnni"):
        from algos._cython._codes import _test_pretend_fast

        _test_pretend_fast(True)


def pytest_collection_modifyitems(config, items):
    """Leave out what `--one-in` does not choose, by the names of the cases alone."""
    one_in = config.getoption("--one-in")
    seen, kept, left_out = set(), [], []
    for item in items:
        test = item.nodeid.split("[")[0]
        chosen = test not in seen or crc32(item.nodeid.encode()) % one_in == 0
        seen.add(test)
        (kept if chosen else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept

"""These tests are of the benchmarks, which do not stand beside an installed wheel."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("benchmarks") else ["test_*.py"]

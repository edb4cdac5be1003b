"""BLAS's own threads change no bit of what PCA makes of many columns."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_digests(n_threads):
    done = subprocess.run(
        [sys.executable, "-m", "tests.pca.digests"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": n_threads},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_threads_of_blas_do_not_change_a_bit_of_many_columns():
    assert run_digests("1") == run_digests("2")

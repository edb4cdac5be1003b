"""Print a digest of what every listed estimator learns and answers, as JSON.

Run as a program, in processes that differ in their settings; with the argument "fork", fit
once, fork, and print the digests of the child.
"""

import hashlib
import json
import os
import sys
import threading

import numpy as np

from tests.common.estimators import CASES, learned, outputs

TOO_LONG = 60  # seconds
DTYPES = ("float32", "float64")


def update(digest, value):
    if isinstance(value, dict):
        for key in sorted(value):
            digest.update(key.encode())
            update(digest, value[key])
    elif isinstance(value, np.ndarray) and value.dtype != object:
        digest.update(f"{value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    else:
        digest.update(repr(value).encode())


def digest_of(case, dtype):
    X = case.rows(4000, 12).astype(dtype)
    estimator = case.fitted(X)
    digest = hashlib.sha256()
    update(digest, learned(estimator))
    update(digest, outputs(estimator, X))
    return digest.hexdigest()


def digests(*dtypes):
    return {
        f"{case.id} {dtype}": digest_of(case, dtype) for case in CASES for dtype in dtypes or DTYPES
    }


def digests_after_fork():
    """Return the digests made by a child of a process that has used its threads."""
    digests("float32")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        # A hanging child ends itself, so that nobody waits for it in vain.
        threading.Timer(TOO_LONG, os._exit, args=(3,)).start()
        with os.fdopen(writer, "w") as pipe:
            json.dump(digests(), pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"the child ended with status {os.waitstatus_to_exitcode(status)}")
    return json.loads(text)


if __name__ == "__main__":
    json.dump(digests_after_fork() if "fork" in sys.argv else digests(), sys.stdout)

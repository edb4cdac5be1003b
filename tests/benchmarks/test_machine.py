"""What a result says of the machine it was measured on."""

import os

import pytest

from benchmarks import machine


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be pinned")
def test_the_cores_are_those_of_the_machine_not_of_a_pinned_process():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert machine.describe()["cores"] == os.cpu_count()
    finally:
        os.sched_setaffinity(0, before)


def test_the_widest_vectors_are_named(monkeypatch):
    def told(flags):
        monkeypatch.setattr(machine, "_cpuinfo", lambda field: flags)
        return machine.describe()["vectors"]

    assert told("fpu avx avx2") == "AVX2"
    assert told("avx avx2 avx512f avx512_vnni") == "AVX-512 with VNNI"
    assert told("avx avx2 avx512f") == "AVX-512"
    assert told("") == "unknown"

"""What a result says of the machine it was measured on."""

from benchmarks import machine


def test_the_widest_vectors_are_named(monkeypatch):
    def told(flags):
        monkeypatch.setattr(machine, "_cpuinfo", lambda field: flags)
        return machine.describe()["vectors"]

    assert told("fpu avx avx2") == "AVX2"
    assert told("avx avx2 avx512f avx512_vnni") == "AVX-512 with VNNI"
    assert told("avx avx2 avx512f") == "AVX-512"
    assert told("") == "unknown"

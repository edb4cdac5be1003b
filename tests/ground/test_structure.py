"""The layers, read off the imports: rooms side by side on the ground floor, without cycles."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

import algos

ROOT = Path(algos.__file__).parent
GROUND = ("_common", "_cython")
# What may look into rooms: it is about several of them.
ABOVE = ("callbacks", "metrics", "onnx", "plotting")
# Whose kernels begin with another word than its own name.
KERNELS = {
    "cut": "random_cut_forest",
    "fm": "factorization_machine",
    "linear": "linear_learner",
    **{room: room for room in ("deepar", "kmeans", "lda", "pca")},
}


def module_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}
ROOMS = sorted({name.split(".")[1] for name in MODULES if "." in name} - {*GROUND, *ABOVE})
ROOMS = [room for room in ROOMS if not room.startswith("_")]


def imported(tree):
    """Yield the modules of the project that a file imports when it runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES or node.module == "algos._cython" else node.module
        else:
            yield from imported(node)


def graph():
    """Return what each module imports of the project, by name."""
    return {
        name: {n for n in imported(ast.parse(path.read_text())) if n.split(".")[0] == "algos"}
        for name, path in MODULES.items()
    }


IMPORTS = graph()


def room_of(name):
    """Return the first part below the package, of a kernel the room that it belongs to."""
    parts = [*name.split("."), "", ""]
    if parts[1] != "_cython":
        return parts[1]
    return KERNELS.get(parts[2].split("_")[0], "_cython")


def test_all_rooms_are_found():
    assert set(KERNELS.values()) == set(ROOMS)
    assert IMPORTS["algos.kmeans.estimator"] > {"algos._common.params"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_itself_and_the_ground_floor(room):
    for name, others in IMPORTS.items():
        if room_of(name) == room:
            assert {room_of(other) for other in others} <= {room, *GROUND, ""}, name


def test_the_ground_floor_imports_no_room():
    for name, others in IMPORTS.items():
        if room_of(name) == "_common":
            assert {room_of(other) for other in others} <= {*GROUND, ""}, name


def test_kernels_of_a_room_cimport_no_other_rooms():
    for path in sorted(ROOT.glob("_cython/*.p[yx][xd]")):
        own = KERNELS.get(path.stem.lstrip("_").split("_")[0], "_cython")
        for other in re.findall(r"algos\._cython\.(\w+) cimport", path.read_text()):
            room = KERNELS.get(other.lstrip("_").split("_")[0], "_cython")
            assert room in (own, "_cython"), (path.name, other)


def test_no_import_comes_back_to_where_it_began():
    known = {
        name: {other for other in others if other in MODULES} for name, others in IMPORTS.items()
    }
    order = list(graphlib.TopologicalSorter(known).static_order())
    assert len(order) == len(MODULES)

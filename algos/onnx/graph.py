"""ONNX graphs, node by node. onnx is imported when the first one is made."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from algos import __version__
from algos._common.arrays import Float64Array

# Old enough for runtimes of 2023: onnxruntime 1.14.
_OPSET, _IR_VERSION = 18, 8
_ROOM = 2**31 - 2**16  # bytes: what Protocol Buffers hold in one message, less a margin
_ROWS = "n_samples"


class Output(NamedTuple):
    """What a method returns.

    Attributes
    ----------
    name : str
        Of the value in the graph.
    dtype : dtype
    width : int or None
        Number of columns; None for shape (n_samples,).
    """

    name: str
    dtype: Any
    width: int | None = None

    @property
    def shape(self) -> list[Any]:
        return [_ROWS] if self.width is None else [_ROWS, self.width]


def require_onnx() -> Any:
    """Return the module onnx, or raise ImportError with the remedy."""
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        raise ImportError(
            "to_onnx needs onnx, which the extra `onnx` brings; install it with "
            '`pip install "algos[onnx]"`'
        ) from error


class Graph:
    """A graph that grows.

    Where an operation takes a value, it takes the value's name, or an array or number that
    becomes a constant. Operations have no broadcast of types: what is computed is float64,
    as in the estimators' sums, and only inputs and outputs have the dtype of the graph.

    Parameters
    ----------
    dtype : dtype
        Of the rows, float32 or float64.
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self._onnx = require_onnx()
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._n_names = 0

    def add(self, operation: str, *inputs: Any, **attributes: Any) -> str:
        """Append an operation and return the name of what it makes."""
        name = self._new_name(operation)
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self._nodes.append(self._onnx.helper.make_node(operation, names, [name], **attributes))
        return name

    def constant(self, array: Any) -> str:
        """Keep an array, or a number as float64, and return its name."""
        name = self._new_name("constant")
        self._constants[name] = np.asarray(array)
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """Return a value in another dtype."""
        return self.add("Cast", value, to=self._type(dtype))

    def widened(self, value: Any) -> str:
        """Return rows of the graph's dtype, or an array, as float64."""
        if not isinstance(value, str):
            is_wide = value.dtype == np.float64
            # What has few digits takes half of the room in the file.
            return self.constant(value) if is_wide else self.cast(self.constant(value), np.float64)
        return value if self.dtype == np.float64 else self.cast(value, np.float64)

    def narrowed(self, value: str) -> str:
        """Return float64 in the graph's dtype."""
        return value if self.dtype == np.float64 else self.cast(value, self.dtype)

    def clipped(self, value: str, largest: float) -> str:
        """Return float64 between -largest and largest."""
        return self.add("Clip", value, np.array(-largest), np.array(largest))

    def scaled(self, value: str, exponent: int) -> str:
        """Return float64 / 2**exponent, whose power alone need not be a number."""
        half = exponent // 2
        for part in (half, exponent - half) if exponent else ():
            value = self.add("Mul", value, np.array(2.0**-part))
        return value

    def column(self, value: str, column: int = 0) -> str:
        """Return a column of a matrix, of shape (n_samples,)."""
        return self.add("Gather", value, np.array(column), axis=1)

    def sums(self, value: str, axis: int = 1, *, keepdims: bool = False) -> str:
        """Return the sums along an axis."""
        return self.add("ReduceSum", value, np.array([axis]), keepdims=int(keepdims))

    def lengths(self, rows: str) -> str:
        """Return the Euclidean length of each row, of shape (n_samples, 1)."""
        return self.add("Sqrt", self.sums(self.add("Mul", rows, rows), keepdims=True))

    def side_by_side(self, columns: Sequence[str]) -> str:
        """Return columns of shape (n_samples,) as a matrix."""
        raised = [self.add("Unsqueeze", column, np.array([1])) for column in columns]
        return raised[0] if len(raised) == 1 else self.add("Concat", *raised, axis=1)

    def for_each(self, vectors: Float64Array, make: Callable[[str], str]) -> str:
        """Return, column by column, what `make` makes of each vector.

        `make` is called once, with the name of a vector; it adds operations, which may read
        any earlier value, and returns the name of float64 of shape (n_samples,).
        """
        vector = self._new_name("vector")
        taken = self._described(vector, np.float64, [vectors.shape[1]])
        body = self._body(lambda: make(vector), np.float64, taken)
        # Without rows, onnxruntime's Scan ends the process where it is to stack columns.
        found = self.add("Scan", vectors, body=body, num_scan_inputs=1)
        return self.add("Transpose", found, perm=[1, 0])

    def where_needed(self, condition: str, make: Callable[[], str], otherwise: str) -> str:
        """Return what `make` makes where a condition holds, else another value, of int64.

        What `make` adds is computed only then; both are of shape (n_samples,).
        """
        then = self._body(make, np.int64)
        other = self._body(lambda: self.add("Identity", otherwise), np.int64)
        return self.add("If", condition, then_branch=then, else_branch=other)

    def _body(self, make: Callable[[], str], dtype: Any, *taken: Any) -> Any:
        """Return the graph of what `make` adds, whose name it returns: one axis, of any length."""
        outer, self._nodes = self._nodes, []
        made = make()
        nodes, self._nodes = self._nodes, outer
        described = self._described(made, dtype, [None])
        return self._onnx.helper.make_graph(nodes, "body", list(taken), [described])

    def model(self, outputs: Mapping[str, Output], n_features: int) -> Any:
        """Return the ModelProto of what the outputs need, checked."""
        onnx, helper = self._onnx, self._onnx.helper
        for name, output in outputs.items():
            self._nodes.append(helper.make_node("Identity", [output.name], [name]))
        nodes, used = _needed(self._nodes, outputs)
        constants = {name: self._constants[name] for name in self._constants if name in used}
        _require_fits(sum(array.nbytes for array in constants.values()))
        graph = helper.make_graph(
            nodes,
            "algos",
            [self._described("X", self.dtype, [_ROWS, n_features])],
            [self._described(name, one.dtype, one.shape) for name, one in outputs.items()],
            [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        made = helper.make_model(
            graph,
            producer_name="algos",
            producer_version=__version__,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        onnx.checker.check_model(made)
        return made

    def _described(self, name: str, dtype: Any, shape: Sequence[Any]) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._type(dtype), shape)

    def _type(self, dtype: Any) -> int:
        dtype = np.dtype(dtype)
        if dtype.kind in "OU":
            return int(self._onnx.TensorProto.STRING)
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(dtype))

    def _new_name(self, kind: str) -> str:
        self._n_names += 1
        return f"{kind}_{self._n_names}"


def _needed(nodes: list[Any], wanted: Collection[str]) -> tuple[list[Any], set[str]]:
    """Return (the nodes that lead to what is wanted, the names of all that they read)."""
    used, kept = set(wanted), []
    for node in reversed(nodes):
        if node.output[0] in used:
            kept.append(node)
            used.update(_read_by(node))
    return kept[::-1], used


def _read_by(node: Any) -> set[str]:
    bodies = [attribute.g.node for attribute in node.attribute if attribute.HasField("g")]
    return set(node.input).union(*(_read_by(inner) for body in bodies for inner in body))


def _require_fits(n_bytes: int) -> None:
    if n_bytes > _ROOM:
        raise ValueError(
            f"the parameters of `estimator` take {n_bytes / 2**30:.1f} GB, and an ONNX file holds "
            f"2 GB; name the `outputs` that you need, or save it with joblib"
        )

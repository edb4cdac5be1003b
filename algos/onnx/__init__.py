"""Fitted models as ONNX graphs, which run without Python. The extra `onnx` brings onnx."""

from algos.onnx.export import to_onnx

__all__ = ["to_onnx"]

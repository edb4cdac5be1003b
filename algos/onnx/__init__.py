"""Export of fitted models to ONNX graphs, which run without Python. Needs the extra `onnx`."""

from algos.onnx.export import to_onnx

__all__ = ["to_onnx"]

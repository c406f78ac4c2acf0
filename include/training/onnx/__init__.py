"""Fitted models as ONNX graphs: skl2onnx converters of our estimators, export, parity."""

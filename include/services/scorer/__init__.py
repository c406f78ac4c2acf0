"""The scoring service: verified ONNX models behind HTTP; it unpickles nothing and calls nobody."""

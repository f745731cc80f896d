"""Exports for other runtimes than TensorFlow: LiteRT and ONNX."""

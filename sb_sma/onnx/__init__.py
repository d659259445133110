"""Trained models as ONNX graphs, and what runs them without PyTorch."""

from sb_sma.torch_pair import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

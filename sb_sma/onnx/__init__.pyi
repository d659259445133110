from .export import export_onnx as export_onnx
from .g2p import OnnxG2P as OnnxG2P
from .tts import OnnxTTS as OnnxTTS

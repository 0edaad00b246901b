"""Prints the version of every package that the tests ask for, one "name version" a line."""

import numpy
import onnx
import onnxruntime
from google import protobuf
from tensorboard import version as tensorboard
from tensorboard.backend.event_processing import event_accumulator  # noqa: F401

for name, version in [
    ("numpy", numpy.__version__),
    ("onnx", onnx.__version__),
    ("onnxruntime", onnxruntime.__version__),
    ("protobuf", protobuf.__version__),
    ("tensorboard", tensorboard.VERSION),
]:
    print(name, version)

"""Prints the version of every package that the tests ask for, one "name version" a line."""

from importlib.metadata import version

import numpy
import onnx
import onnxruntime
import SpecUtils  # noqa: F401
from google import protobuf
from tensorboard import version as tensorboard
from tensorboard.backend.event_processing import event_accumulator  # noqa: F401

for name, found in [
    ("buf-bin", version("buf-bin")),
    ("numpy", numpy.__version__),
    ("onnx", onnx.__version__),
    ("onnxruntime", onnxruntime.__version__),
    ("protobuf", protobuf.__version__),
    ("sandiaspecutils", version("sandiaspecutils")),
    ("tensorboard", tensorboard.VERSION),
]:
    print(name, found)

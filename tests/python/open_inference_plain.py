"""The client of the protocol's own working group against our server: the required calls, with
elements in the tensors and raw.

Arguments and output as those of open_inference_triton.py.
"""

import json
import struct
import sys

import grpc
from open_inference.grpc.protocol import (
    InferTensorContents,
    ModelInferRequest,
    ModelMetadataRequest,
    ModelReadyRequest,
    ServerLiveRequest,
    ServerMetadataRequest,
    ServerReadyRequest,
)
from open_inference.grpc.service import GRPCInferenceServiceStub

address, question_file = sys.argv[1:]
with open(question_file) as file:
    question = json.load(file)
model, version, rows = question["model"], question["version"], question["rows"]
shape = [len(rows), len(rows[0])]
values = [value for row in rows for value in row]
options = [("grpc.enable_http_proxy", 0)]
server = GRPCInferenceServiceStub(grpc.insecure_channel(address, options))


def infer(typed, **more):
    tensor = ModelInferRequest.InferInputTensor(name="spectrum", datatype="FP32", shape=shape)
    request = ModelInferRequest(model_name=model, **more)
    if typed:
        tensor.contents.CopyFrom(InferTensorContents(fp32_contents=values))
    else:
        request.raw_input_contents.append(struct.pack(f"<{len(values)}f", *values))
    request.inputs.append(tensor)
    return server.ModelInfer(request)


def tensors(answer):
    """Every tensor, wherever its elements stand."""
    found = {}
    for index, output in enumerate(answer.outputs):
        elements = output.contents.fp32_contents
        assert bool(elements) != bool(answer.raw_output_contents)
        if elements:
            data = struct.pack(f"<{len(elements)}f", *elements)
        else:
            data = answer.raw_output_contents[index]
        found[output.name] = {"shape": list(output.shape), "hex": data.hex()}
    return found


def refusal(call):
    try:
        call()
    except grpc.RpcError as error:
        return {"code": error.code().name, "message": error.details()}
    raise AssertionError("it was not refused")


typed, raw = infer(typed=True, id="typed"), infer(typed=False, id="raw")
metadata = server.ModelMetadata(ModelMetadataRequest(name=model))
server_metadata = server.ServerMetadata(ServerMetadataRequest())
told = {
    "live": server.ServerLive(ServerLiveRequest()).live,
    "ready": server.ServerReady(ServerReadyRequest()).ready,
    "model_ready": server.ModelReady(ModelReadyRequest(name=model, version=version)).ready,
    "server": server_metadata.name,
    "inputs": [[t.name, t.datatype, list(t.shape)] for t in metadata.inputs],
    "properties": dict(metadata.properties),
    "ids": [typed.id, raw.id],
    "typed_is_typed": not typed.raw_output_contents,
    "typed": tensors(typed),
    "raw": tensors(raw),
    "of_version": tensors(infer(typed=True, model_version=version)),
    "nothing": refusal(
        lambda: server.ModelMetadata(ModelMetadataRequest(name=model, version="nothing"))
    ),
}
json.dump(told, sys.stdout)

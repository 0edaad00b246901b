"""Triton's own client against our server: every call of it that the server offers.

Arguments: host:port, and a JSON file with the name of a model, one of its versions and rows of
numbers for it. What it heard is printed as JSON; tensors as the hexadecimal digits of their bytes.
"""

import json
import queue
import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

address, question_file = sys.argv[1:]
with open(question_file) as file:
    question = json.load(file)
model, version = question["model"], question["version"]
rows = np.array(question["rows"], dtype=np.float32)
half = rows.astype(np.float16)
client = triton.InferenceServerClient(address)


def spectrum(values):
    datatype = {np.dtype(np.float32): "FP32", np.dtype(np.float16): "FP16"}[values.dtype]
    tensor = triton.InferInput("spectrum", list(values.shape), datatype)
    return tensor.set_data_from_numpy(values)


def outputs(*names):
    return [triton.InferRequestedOutput(name) for name in names]


def tensors(result):
    """Every tensor of an answer: its shape and its bytes."""
    found = {}
    for output in result.get_response().outputs:
        values = result.as_numpy(output.name)
        found[output.name] = {"shape": list(values.shape), "hex": values.tobytes().hex()}
    return found


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    raise AssertionError("it was not refused")


def infer(values, **more):
    return client.infer(model, [spectrum(values)], **more)


def whole_answer():
    result = infer(rows, request_id="all of it")
    response = result.get_response()
    return {
        "id": response.id,
        "model": response.model_name,
        "version": response.model_version,
        "bundle": response.parameters["bundle"].string_param,
        "tensors": tensors(result),
    }


def classification():
    wanted = triton.InferRequestedOutput("probabilities", class_count=2)
    labelled = infer(rows, outputs=[wanted]).as_numpy("probabilities")
    return [[text.decode() for text in row] for row in labelled]


def stream():
    """Answers to requests of one stream, a bad one among them, in the order in which they came."""
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    wide = np.zeros((1, rows.shape[1] + 1), dtype=np.float32)
    for number, values in enumerate([rows[:1], wide, rows[1:]]):
        client.async_stream_infer(
            model, [spectrum(values)], request_id=str(number), outputs=outputs("logits")
        )
    told = []
    for _ in range(3):
        result, error = answers.get()
        if error:
            told.append({"error": error.message()})
            continue
        response = result.get_response()
        last = response.parameters["triton_final_response"].bool_param
        told.append({"id": response.id, "last": last, "tensors": tensors(result)})
    client.stop_stream()
    return told


def states():
    """The state of each version, by name and version."""
    index = client.get_model_repository_index().models
    return {f"{row.name}:{row.version}": row.state for row in index}


def load_and_let_go():
    told = {"before": states()}
    client.unload_model(model)
    told["unloaded"] = states()
    told["ready_unloaded"] = client.is_model_ready(model)
    told["refused"] = refusal(lambda: infer(rows))
    client.load_model(model)
    told["loaded"] = states()
    told["ready_loaded"] = client.is_model_ready(model)
    told["tensors"] = tensors(infer(rows, outputs=outputs("logits")))
    told["with_config"] = refusal(lambda: client.load_model(model, config="{}"))
    told["nothing"] = refusal(lambda: client.load_model("nothing"))
    return told


told = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "model_ready": client.is_model_ready(model),
    "version_ready": client.is_model_ready(model, version),
    "nothing_ready": client.is_model_ready("nothing"),
    "server": client.get_server_metadata(as_json=True),
    "metadata": client.get_model_metadata(model, as_json=True),
    "config": client.get_model_config(model, as_json=True)["config"],
    "answer": whole_answer(),
    "of_version": tensors(infer(rows, model_version=version, outputs=outputs("logits"))),
    "half": tensors(infer(half, outputs=outputs("logits"))),
    "widened": tensors(infer(half.astype(np.float32), outputs=outputs("logits"))),
    "gzip": tensors(infer(rows, outputs=outputs("logits"), compression_algorithm="gzip")),
    "classification": classification(),
    "stream": stream(),
    "wrong_type": refusal(
        lambda: client.infer(model, [triton.InferInput("spectrum", [1, 2], "INT8")])
    ),
    # So many rows that no answer comes within the millisecond to which deadlines are rounded.
    "expired": refusal(lambda: infer(np.repeat(rows, 400 // len(rows), axis=0), client_timeout=1e-6)),
    "shared_memory": refusal(client.get_system_shared_memory_status),
    "traces": refusal(client.get_trace_settings),
    "logs": refusal(client.get_log_settings),
}
told["repository"] = load_and_let_go()
told["statistics"] = client.get_inference_statistics(model, as_json=True)
json.dump(told, sys.stdout)

"""Runs a bundle's model.onnx with plain onnxruntime and compares it with the tool's own answers.

Arguments: bundle folder, .npz of `openassay featurize --inputs`, JSON of `openassay identify`.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime as ort

bundle, arrays_file, answers_file = sys.argv[1:]
model = onnx.load(f"{bundle}/model.onnx")
onnx.checker.check_model(model, full_check=True)
contents = json.load(open(f"{bundle}/bundle.json"))["contents"]

session = ort.InferenceSession(f"{bundle}/model.onnx", providers=["CPUExecutionProvider"])
(spectrum,) = session.get_inputs()
assert spectrum.name == "spectrum" and spectrum.type == "tensor(float)", spectrum
outputs = {output.name: output for output in session.get_outputs()}
expected = {"feature_map", "features", "logits", "probabilities"}
if contents["model"]["kind"] == "cnn2d":
    expected.add("image")
assert set(outputs) == expected, set(outputs)

arrays = np.load(arrays_file)
inputs, features = arrays["inputs"].astype(np.float32), arrays["features"]
names = ["features", "logits", "probabilities"]
run = dict(zip(names, session.run(names, {"spectrum": inputs})))
classes = contents["classes"]
assert classes == sorted(classes, key=lambda label: label.encode()), classes
assert run["logits"].shape == (len(inputs), len(classes))
np.testing.assert_allclose(run["features"], features, rtol=1e-5, atol=1e-6)

initialisers = {tensor.name: tensor for tensor in model.graph.initializer}
weight = onnx.numpy_helper.to_array(initialisers["head.weight"])
bias = onnx.numpy_helper.to_array(initialisers["head.bias"])
logits = run["features"].astype(np.float64) @ weight.astype(np.float64) + bias
np.testing.assert_allclose(run["logits"], logits, rtol=1e-5, atol=1e-5)

answers = json.load(open(answers_file))
assert len(answers) == len(inputs)
for row, answer in zip(run["probabilities"], answers):
    told = {p["label"]: p["probability"] for p in answer["class_probabilities"]}
    np.testing.assert_allclose(row, [told[label] for label in classes], atol=1e-5)

# One batch equals its rows one by one.
for index in range(len(inputs)):
    single = session.run(["logits"], {"spectrum": inputs[index : index + 1]})[0]
    np.testing.assert_allclose(single[0], run["logits"][index], rtol=1e-5, atol=1e-5)
print(f"{len(inputs)} spectra agree")

"""Compares our files of the Open Inference Protocol with those inside a client of other people,
field by field.

Arguments: `triton` or `open-inference`, and a file with our descriptors. One client in a process:
both define the same package. Prints how much was compared.
"""

import importlib
import json
import sys

from google.protobuf import descriptor_pb2

PACKAGE = "inference"
MODULES = {
    "triton": "tritonclient.grpc.service_pb2",
    "open-inference": "open_inference.grpc.protocol",
}
# Triton's file of configurations, of which we have the part that we fill.
IN_PART = "model_config.proto"
# What the protocol's own text has and Triton has not.
NOT_IN_TRITON = {("ModelMetadataResponse", 6), ("ModelMetadataResponse.PropertiesEntry", None)}

Field = descriptor_pb2.FieldDescriptorProto


def fields(message):
    """What matters on the wire and to generated code, by number. Whether a field of one value
    tells its absence from its default is not among it: the bytes are the same."""
    found = {}
    for field in message.field:
        choice = None
        if field.HasField("oneof_index") and not field.proto3_optional:
            choice = message.oneof_decl[field.oneof_index].name
        found[field.number] = [
            field.name,
            Field.Type.Name(field.type),
            Field.Label.Name(field.label),
            field.type_name,
            choice,
            field.options.packed if field.options.HasField("packed") else None,
        ]
    return found


def collect(files):
    """Messages, enumerations and methods by name."""
    messages, enumerations, methods = {}, {}, {}

    def add(within, message):
        name = within + message.name
        messages[name] = fields(message)
        for enumeration in message.enum_type:
            add_enumeration(f"{name}.", enumeration)
        for nested in message.nested_type:
            add(f"{name}.", nested)

    def add_enumeration(within, enumeration):
        values = {value.number: value.name for value in enumeration.value}
        enumerations[within + enumeration.name] = values

    for file in files:
        for message in file.message_type:
            add("", message)
        for enumeration in file.enum_type:
            add_enumeration("", enumeration)
        for service in file.service:
            for method in service.method:
                methods[f"{service.name}.{method.name}"] = [
                    method.input_type,
                    method.output_type,
                    method.client_streaming,
                    method.server_streaming,
                ]
    return messages, enumerations, methods


def their_files(descriptor):
    file = descriptor_pb2.FileDescriptorProto()
    descriptor.CopyToProto(file)
    below = [their_files(dependency) for dependency in descriptor.dependencies]
    return sum(below, [file])


client, our_descriptors = sys.argv[1:]
theirs = their_files(importlib.import_module(MODULES[client]).DESCRIPTOR)
whole = collect(file for file in theirs if file.name != IN_PART)
in_part = collect(file for file in theirs if file.name == IN_PART)
ours = descriptor_pb2.FileDescriptorSet()
with open(our_descriptors, "rb") as file:
    ours.ParseFromString(file.read())
messages, enumerations, methods = collect(f for f in ours.file if f.package == PACKAGE)
assert messages and methods

# What they have, we have; of a configuration only what we have is theirs.
compared = 0
for name, expected in whole[0].items():
    found = messages[name]
    if client == "triton":
        found = {n: f for n, f in found.items() if (name, n) not in NOT_IN_TRITON}
    assert found == expected, f"{name}: {found} is not {expected}"
    compared += len(expected)
for name, expected in in_part[0].items():
    for number, field in messages.get(name, {}).items():
        assert field == expected[number], f"{name}: {field} is not {expected[number]}"
        compared += 1
known = set(whole[0]) | set(in_part[0])
if client == "triton":
    invented = {name for name in set(messages) - known if (name, None) not in NOT_IN_TRITON}
    assert not invented, f"nobody else has {invented}"
    assert methods == whole[2], f"{methods} are not {whole[2]}"
else:
    assert whole[2].items() <= methods.items(), f"{methods} are not {whole[2]}"
for name, values in (whole[1] | in_part[1]).items():
    assert enumerations.get(name, values) == values, f"{name}: {enumerations[name]}"
if client == "triton":
    assert set(enumerations) <= set(in_part[1]), set(enumerations)
json.dump({"fields": compared, "methods": len(whole[2])}, sys.stdout)

"""Makes vectors.json and everything.binpb with Google's own protocol buffers for Python, as the
reference for the encoder and decoder of the pages.

    pip install grpcio-tools
    python make.py
"""

import base64
import json
import math
import pathlib
import random
import struct
import sys
import tempfile

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

HERE = pathlib.Path(__file__).parent
KINDS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in descriptor_pb2.FieldDescriptorProto.Type.items()
}
LARGE = {"int64", "uint64", "sint64", "fixed64", "sfixed64"}


def compiled():
    """The module of the messages and the set of descriptors."""
    folder = tempfile.mkdtemp()
    code = protoc.main(
        [
            "protoc",
            f"-I{HERE}",
            f"--python_out={folder}",
            f"--descriptor_set_out={HERE / 'everything.binpb'}",
            str(HERE / "everything.proto"),
        ]
    )
    assert code == 0
    sys.path.insert(0, folder)
    import everything_pb2

    return everything_pb2


def schema():
    """What the server is to make of the descriptors."""
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString((HERE / "everything.binpb").read_bytes())
    messages, enums, methods = {}, {}, {}

    def enum(above, described):
        values = {}
        for value in described.value:
            values.setdefault(str(value.number), value.name)
        enums[f"{above}.{described.name}"] = values

    def message(above, described):
        name = f"{above}.{described.name}"
        entries = {
            f".{name}.{nested.name}"
            for nested in described.nested_type
            if nested.options.map_entry
        }
        for nested in described.nested_type:
            message(name, nested)
        for nested in described.enum_type:
            enum(name, nested)
        fields = []
        for field in described.field:
            row = {"number": field.number, "name": field.name, "kind": KINDS[field.type]}
            if field.type_name:
                row["type"] = field.type_name.lstrip(".")
            if field.label == 3:
                row["repeated"] = True
            if field.type_name in entries:
                row["map"] = True
            if field.proto3_optional:
                row["optional"] = True
            elif field.HasField("oneof_index"):
                row["oneof"] = described.oneof_decl[field.oneof_index].name
            fields.append(row)
        messages[name] = fields

    for file in files.file:
        for described in file.message_type:
            message(file.package, described)
        for described in file.enum_type:
            enum(file.package, described)
        for service in file.service:
            for method in service.method:
                row = {
                    "request": method.input_type.lstrip("."),
                    "response": method.output_type.lstrip("."),
                }
                if method.client_streaming:
                    row["client_streaming"] = True
                if method.server_streaming:
                    row["server_streaming"] = True
                methods[f"{file.package}.{service.name}/{method.name}"] = row
    return {"messages": messages, "enums": enums, "methods": methods}


def one(field, value):
    """A value as JSON that loses nothing."""
    kind = KINDS[field.type]
    if kind == "message":
        return plain(value)
    if kind in LARGE:
        return {"large": str(value)}
    if kind == "bytes":
        return {"base64": base64.b64encode(value).decode()}
    if kind == "enum":
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    if kind in ("double", "float"):
        if math.isnan(value):
            return {"number": "NaN"}
        if math.isinf(value) or (value == 0 and math.copysign(1, value) < 0):
            return {"number": "-0" if value == 0 else ("Infinity" if value > 0 else "-Infinity")}
    return value


def plain(message):
    """A message as the pages are to have it."""
    out = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        entry = field.message_type if field.type == field.TYPE_MESSAGE else None
        if entry is not None and entry.GetOptions().map_entry:
            key, item = entry.fields_by_name["key"], entry.fields_by_name["value"]
            pairs = [[one(key, name), one(item, value[name])] for name in value]
            out[field.name] = {"map": sorted(pairs, key=json.dumps)}
        elif field.is_repeated:
            out[field.name] = [one(field, each) for each in value]
        elif field.has_presence and not message.HasField(field.name):
            out[field.name] = None
        else:
            out[field.name] = one(field, value)
    return out


def cases(module):
    """Messages: each limit of each sort, then random ones."""
    everything, inner = module.Everything, module.Inner
    yield "nothing", everything()
    for sign in (1, -1):
        yield f"limits {sign}", everything(
            a_double=sign * 1.7976931348623157e308,
            a_float=sign * 1.1754943508222875e-38,
            an_int32=2**31 - 1 if sign > 0 else -(2**31),
            an_int64=2**63 - 1 if sign > 0 else -(2**63),
            a_uint32=2**32 - 1 if sign > 0 else 1,
            a_uint64=2**64 - 1 if sign > 0 else 2**53 + 1,
            a_sint32=2**31 - 1 if sign > 0 else -(2**31),
            a_sint64=2**63 - 1 if sign > 0 else -(2**63),
            a_fixed32=2**32 - 1,
            a_fixed64=2**64 - 1,
            a_sfixed32=-(2**31) if sign < 0 else 2**31 - 1,
            a_sfixed64=-(2**63) if sign < 0 else 2**63 - 1,
        )
    yield "no numbers", everything(
        a_double=math.nan, a_float=math.inf, doubles=[-math.inf, -0.0, 5e-324], floats=[-0.0]
    )
    yield "negative zero", everything(a_double=-0.0)
    yield "words", everything(
        a_string="Röntgen γ 𝛾 \u0000", some_bytes=bytes(range(256)), strings=["", "é"], bytess=[b"", b"\0"]
    )
    deep = inner(name="top")
    at = deep
    for _ in range(40):
        at = at.children.add(name="x")
    yield "depth", everything(an_inner=deep, inners=[inner(), deep])
    yield "names", everything(
        a_colour=1, a_nested=1, colours=[0, 1, -2, 77], maybe_colour=0, bools=[True, False, True]
    )
    yield "lists", everything(
        int32s=[0, -1, 127, 128, 2**31 - 1],
        int64s=[-1, -(2**63), 2**53 + 1],
        uint64s=[0, 2**64 - 1],
        sint64s=[-1, 1, -(2**63)],
    )
    yield "not packed", everything(not_packed=[0, 1, 300, 2**32 - 1])
    maps = everything(by_number={-1: 0.5, 2**62: math.inf}, by_bool={True: "yes", False: ""})
    maps.by_name["Kohle"].name = "c"
    maps.by_name[""].SetInParent()
    yield "maps", maps
    yield "one text", everything(one_text="")
    yield "one number", everything(one_number=0)
    yield "one message", everything(one_inner=inner())
    yield "said zero", everything(maybe=0.0, maybe_text="")
    yield "far", everything(far="away")
    rng = random.Random(5)
    for turn in range(20):
        yield f"random {turn}", everything(
            a_double=rng.uniform(-1e6, 1e6),
            an_int64=rng.randint(-(2**63), 2**63 - 1),
            a_uint64=rng.getrandbits(64),
            a_sint32=rng.randint(-(2**31), 2**31 - 1),
            an_int32=rng.randint(-(2**31), 2**31 - 1),
            doubles=[rng.gauss(0, 1) for _ in range(rng.randint(0, 40))],
            floats=[struct.unpack("f", struct.pack("f", rng.random()))[0] for _ in range(9)],
            some_bytes=rng.randbytes(rng.randint(0, 300)),
        )


def main():
    module = compiled()
    vectors = []
    for name, message in cases(module):
        data = message.SerializeToString(deterministic=True)
        vectors.append(
            {"name": name, "base64": base64.b64encode(data).decode(), "message": plain(message)}
        )
    text = json.dumps({"schema": schema(), "vectors": vectors}, indent=1, sort_keys=True)
    (HERE / "vectors.json").write_text(text + "\n")


main()

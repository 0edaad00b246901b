//! The gRPC interface as JSON, for the pages: they encode and decode messages by it and hold no copy
//! of `proto/` that could be another one.

use crate::ConsoleError;
use prost::Message;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Messages, enumerations and methods by their full names.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Schema {
    messages: BTreeMap<String, Vec<Field>>,
    enums: BTreeMap<String, BTreeMap<i32, String>>,
    methods: BTreeMap<String, Method>,
}

/// A field of a message.
#[derive(Debug, PartialEq, Serialize)]
struct Field {
    number: i32,
    name: String,
    /// As in a .proto file, or `message` and `enum`.
    kind: &'static str,
    /// The message or enumeration.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    of: String,
    #[serde(skip_serializing_if = "is_false")]
    repeated: bool,
    /// Entries of a map: messages with `key` and `value`.
    #[serde(skip_serializing_if = "is_false")]
    map: bool,
    /// Being absent is another thing than being zero.
    #[serde(skip_serializing_if = "is_false")]
    optional: bool,
    /// At most one field of this name's group is there.
    #[serde(skip_serializing_if = "String::is_empty")]
    oneof: String,
}

/// A method of a service.
#[derive(Debug, PartialEq, Serialize)]
struct Method {
    request: String,
    response: String,
    #[serde(skip_serializing_if = "is_false")]
    client_streaming: bool,
    #[serde(skip_serializing_if = "is_false")]
    server_streaming: bool,
}

const fn is_false(value: &bool) -> bool {
    !*value
}

/// Everything that this build serves and the details of errors, as JSON.
///
/// # Errors
/// A descriptor set is none.
pub(crate) fn interface() -> Result<Vec<u8>, ConsoleError> {
    let sets = [
        assay_api::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_types::pb::FILE_DESCRIPTOR_SET,
    ];
    let mut schema = Schema::default();
    for set in sets {
        schema.add(&FileDescriptorSet::decode(set)?);
    }
    Ok(serde_json::to_vec(&schema)?)
}

impl Schema {
    fn add(&mut self, set: &FileDescriptorSet) {
        for file in &set.file {
            let package = file.package();
            for message in &file.message_type {
                self.message(package, message);
            }
            for enumeration in &file.enum_type {
                self.enumeration(package, enumeration);
            }
            for service in &file.service {
                self.service(package, service);
            }
        }
    }

    fn message(&mut self, above: &str, message: &DescriptorProto) {
        let name = within(above, message.name());
        let entries: Vec<_> = message
            .nested_type
            .iter()
            .filter(|nested| nested.options.as_ref().is_some_and(|o| o.map_entry()))
            .map(|nested| within(&name, nested.name()))
            .collect();
        for nested in &message.nested_type {
            self.message(&name, nested);
        }
        for enumeration in &message.enum_type {
            self.enumeration(&name, enumeration);
        }
        let fields = message.field.iter();
        let fields = fields.map(|field| describe(field, message, &entries));
        self.messages.insert(name, fields.collect());
    }

    fn enumeration(&mut self, above: &str, enumeration: &prost_types::EnumDescriptorProto) {
        let mut values = BTreeMap::new();
        for value in &enumeration.value {
            // Of several names for one number the first is the usual one.
            let name = values.entry(value.number());
            name.or_insert_with(|| value.name().to_owned());
        }
        self.enums.insert(within(above, enumeration.name()), values);
    }

    fn service(&mut self, package: &str, service: &ServiceDescriptorProto) {
        let name = within(package, service.name());
        for method in &service.method {
            self.methods.insert(
                format!("{name}/{}", method.name()),
                Method {
                    request: absolute(method.input_type()),
                    response: absolute(method.output_type()),
                    client_streaming: method.client_streaming(),
                    server_streaming: method.server_streaming(),
                },
            );
        }
    }
}

fn describe(field: &FieldDescriptorProto, message: &DescriptorProto, entries: &[String]) -> Field {
    let of = absolute(field.type_name());
    let oneof = field
        .oneof_index
        .filter(|_| !field.proto3_optional())
        .and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?))
        .map(|oneof| oneof.name().to_owned());
    Field {
        number: field.number(),
        name: field.name().to_owned(),
        kind: kind(field.r#type()),
        repeated: field.label() == Label::Repeated,
        map: entries.contains(&of),
        of,
        optional: field.proto3_optional(),
        oneof: oneof.unwrap_or_default(),
    }
}

fn within(above: &str, name: &str) -> String {
    if above.is_empty() {
        name.to_owned()
    } else {
        format!("{above}.{name}")
    }
}

fn absolute(name: &str) -> String {
    name.trim_start_matches('.').to_owned()
}

const fn kind(kind: Type) -> &'static str {
    match kind {
        Type::Double => "double",
        Type::Float => "float",
        Type::Int64 => "int64",
        Type::Uint64 => "uint64",
        Type::Int32 => "int32",
        Type::Fixed64 => "fixed64",
        Type::Fixed32 => "fixed32",
        Type::Bool => "bool",
        Type::String => "string",
        // Nothing of ours has groups.
        Type::Group | Type::Message => "message",
        Type::Bytes => "bytes",
        Type::Uint32 => "uint32",
        Type::Enum => "enum",
        Type::Sfixed32 => "sfixed32",
        Type::Sfixed64 => "sfixed64",
        Type::Sint32 => "sint32",
        Type::Sint64 => "sint64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const VECTORS: &str = include_str!("../tests/vectors/vectors.json");
    const DESCRIPTORS: &[u8] = include_bytes!("../tests/vectors/everything.binpb");

    #[test]
    fn a_description_is_what_python_makes_of_the_same_file() {
        let mut schema = Schema::default();
        schema.add(&FileDescriptorSet::decode(DESCRIPTORS).unwrap());
        let expected: Value = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(serde_json::to_value(&schema).unwrap(), expected["schema"]);
    }

    #[test]
    fn the_interface_has_what_the_pages_ask_for() {
        let schema: Value = serde_json::from_slice(&interface().unwrap()).unwrap();
        let watch = &schema["methods"]["openassay.jobs.v1.JobService/Watch"];
        assert_eq!(watch["server_streaming"], true);
        for message in [
            "google.rpc.Status",
            "google.rpc.RetryInfo",
            "google.protobuf.Any",
        ] {
            assert!(schema["messages"].get(message).is_some(), "{message}");
        }
        assert!(
            schema["methods"]
                .get("grpc.health.v1.Health/Check")
                .is_some()
        );
    }
}

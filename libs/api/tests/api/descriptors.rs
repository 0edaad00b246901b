//! The ingestion interface keeps to what instrument software such as LabVIEW can do.

use assay_api::DESCRIPTORS;
use prost::Message;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto,
};

fn file(name: &str) -> FileDescriptorProto {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut files = set.file.into_iter();
    files.find(|file| file.name() == name).unwrap()
}

/// The service's own file and what it imports.
fn files() -> [FileDescriptorProto; 2] {
    let ingest = file("openassay/ingest/v1/ingest.proto");
    assert_eq!(ingest.dependency, ["openassay/spectrum/v1/spectrum.proto"]);
    [ingest, file("openassay/spectrum/v1/spectrum.proto")]
}

fn messages() -> Vec<DescriptorProto> {
    files()
        .into_iter()
        .flat_map(|file| file.message_type)
        .collect()
}

fn enumerations() -> Vec<EnumDescriptorProto> {
    let nested = messages().into_iter().flat_map(|message| message.enum_type);
    files()
        .into_iter()
        .flat_map(|file| file.enum_type)
        .chain(nested)
        .collect()
}

#[test]
fn no_message_has_a_map_a_choice_or_a_presence_of_its_own() {
    assert!(messages().len() > 10);
    for message in messages() {
        let name = message.name();
        // A map is a nested message; a choice and a proto3 optional are a oneof.
        assert!(
            message.nested_type.is_empty(),
            "{name} has a map or a nested message"
        );
        assert!(
            message.oneof_decl.is_empty(),
            "{name} has a oneof or an optional field"
        );
    }
}

#[test]
fn no_repeated_number_is_unpacked() {
    for message in messages() {
        for field in &message.field {
            let packed = field.options.as_ref().and_then(|options| options.packed);
            assert_ne!(packed, Some(false), "{}.{}", message.name(), field.name());
        }
    }
}

#[test]
fn enumerations_have_no_gaps() {
    assert!(enumerations().len() >= 3);
    for enumeration in enumerations() {
        let numbers: Vec<_> = enumeration
            .value
            .iter()
            .map(|value| value.number())
            .collect();
        let rising: Vec<_> = (0..numbers.len() as i32).collect();
        assert_eq!(numbers, rising, "{}", enumeration.name());
    }
}

#[test]
fn every_streaming_call_has_a_unary_one_beside_it() {
    let [ingest, _] = files();
    let methods = &ingest.service[0].method;
    let streams = |m: &MethodDescriptorProto| m.client_streaming() || m.server_streaming();
    let streaming: Vec<_> = methods.iter().filter(|m| streams(m)).collect();
    assert_eq!(streaming.len(), 2);
    for method in streaming {
        let message = method.input_type().rsplit('.').next().unwrap();
        let request = ingest
            .message_type
            .iter()
            .find(|m| m.name() == message)
            .unwrap();
        let has_sibling = methods.iter().filter(|m| !streams(m)).any(|unary| {
            // The same call without a stream, or the call whose request the stream carries.
            method.name().strip_suffix("Stream") == Some(unary.name())
                || request
                    .field
                    .iter()
                    .any(|f| f.type_name() == unary.input_type())
        });
        assert!(has_sibling, "{}", method.name());
    }
}

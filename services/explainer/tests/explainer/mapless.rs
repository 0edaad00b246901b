//! A bundle that computes features and keeps its feature map to itself.

use assay_pipeline::Bundle;

/// `ModelProto.graph`, `GraphProto.output` and `ValueInfoProto.name` of ONNX.
const GRAPH: u64 = 7;
const OUTPUT: u64 = 12;
const NAME: u64 = 1;

/// The same network and gate without the output `feature_map`.
pub(crate) fn mapless(bundle: &Bundle) -> Bundle {
    let model = fields(bundle.model(), |number, content| {
        (number == GRAPH).then(|| {
            fields(content, |number, content| match number {
                OUTPUT if is_named(content, b"feature_map") => Some(Vec::new()),
                _ => None,
            })
        })
    });
    assert!(model.len() < bundle.model().len());
    Bundle::new(bundle.contents().clone(), model, bundle.gate()).unwrap()
}

fn is_named(value: &[u8], name: &[u8]) -> bool {
    let mut found = false;
    fields(value, |number, content| {
        found |= number == NAME && content == name;
        None
    });
    found
}

/// A message with other contents in some of its fields; a field whose content becomes empty goes.
fn fields(mut message: &[u8], mut change: impl FnMut(u64, &[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut changed = Vec::new();
    while !message.is_empty() {
        let field = message;
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                0
            }
            1 => 8,
            5 => 4,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            other => unreachable!("wire type {other}"),
        };
        let (content, rest) = message.split_at(length);
        message = rest;
        match change(key >> 3, content).filter(|_| key & 7 == 2) {
            None => changed.extend_from_slice(&field[..field.len() - rest.len()]),
            Some(content) if content.is_empty() => {}
            Some(content) => {
                put_varint(&mut changed, key);
                put_varint(&mut changed, content.len() as u64);
                changed.extend(content);
            }
        }
    }
    changed
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

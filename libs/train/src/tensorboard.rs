//! TensorBoard event files: scalars as protobuf events inside length-prefixed records with
//! masked CRC-32C checksums. The clock is the caller's.

use crate::error::{Result, TrainError};
use prost::Message;
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// `tensorflow.Summary`, as far as scalars need it.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<SummaryValue>,
}

/// `tensorflow.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// `tensorflow.Event`.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// Writes one event file of one run.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Creates `<folder>/events.out.tfevents.<seconds>.openassay` and the folder.
    ///
    /// # Units
    /// `wall_time_s`: seconds since 1970-01-01.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(folder: &Path, wall_time_s: f64) -> Result<Self> {
        fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
        let path = folder.join(format!("events.out.tfevents.{wall_time_s:010.0}.openassay"));
        let file = File::create(&path).map_err(TrainError::io(&path))?;
        let mut writer = Self {
            path,
            file: BufWriter::new(file),
        };
        writer.write(&Event {
            wall_time: wall_time_s,
            file_version: Some("brain.Event:2".to_owned()),
            ..Event::default()
        })?;
        Ok(writer)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds values of one step, each with its tag.
    ///
    /// # Errors
    /// When the file cannot be written.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the format stores scalars as 32-bit floats"
    )]
    pub fn scalars(&mut self, step: usize, wall_time_s: f64, values: &[(&str, f64)]) -> Result<()> {
        let value = values
            .iter()
            .map(|&(tag, value)| SummaryValue {
                tag: tag.to_owned(),
                simple_value: Some(value as f32),
            })
            .collect();
        self.write(&Event {
            wall_time: wall_time_s,
            step: i64::try_from(step).unwrap_or(i64::MAX),
            summary: Some(Summary { value }),
            ..Event::default()
        })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let data = event.encode_to_vec();
        let length = (data.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(data.len() + 16);
        record.extend_from_slice(&length);
        record.extend_from_slice(&masked_crc32c(&length).to_le_bytes());
        record.extend_from_slice(&data);
        record.extend_from_slice(&masked_crc32c(&data).to_le_bytes());
        self.file
            .write_all(&record)
            .and_then(|()| self.file.flush())
            .map_err(TrainError::io(&self.path))
    }
}

/// CRC-32C, rotated and shifted so that a checksum of data holding checksums stays useful.
///
/// # Source
/// The TFRecord format of TensorFlow.
fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRC-32C bit by bit from its definition (reflected polynomial 0x82f63b78).
    fn slow_crc32c(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for &byte in bytes {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
            }
        }
        !crc
    }

    fn unmask(masked: u32) -> u32 {
        masked.wrapping_sub(0xa282_ead8).rotate_left(15)
    }

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    /// One protobuf field, read by hand: (number, wire type, payload).
    fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
        fn varint(bytes: &mut &[u8]) -> u64 {
            let mut value = 0;
            for shift in (0..).step_by(7) {
                let byte = bytes[0];
                *bytes = &bytes[1..];
                value |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    return value;
                }
            }
            value
        }
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let payload = match key & 7 {
                0 => varint(&mut bytes).to_le_bytes().to_vec(),
                wire => {
                    let length = match wire {
                        1 => 8,
                        5 => 4,
                        _ => usize::try_from(varint(&mut bytes)).unwrap(),
                    };
                    let (payload, rest) = bytes.split_at(length);
                    bytes = rest;
                    payload.to_vec()
                }
            };
            found.push((key >> 3, key & 7, payload));
        }
        found
    }

    #[test]
    fn records_can_be_read_by_a_parser_written_from_the_format_alone() {
        assert_eq!(
            slow_crc32c(b"123456789"),
            0xe306_9283,
            "published check value"
        );
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(folder.path(), 1_700_000_000.0).unwrap();
        writer
            .scalars(
                3,
                1_700_000_001.5,
                &[("epoch_loss", 0.25), ("epoch_accuracy", 1.0)],
            )
            .unwrap();
        let path = writer.path().to_owned();
        assert!(path.to_string_lossy().contains("tfevents"));
        let bytes = fs::read(path).unwrap();
        let mut at = 0;
        let mut events = Vec::new();
        while at < bytes.len() {
            let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
            assert_eq!(
                unmask(u32_at(&bytes, at + 8)),
                slow_crc32c(&bytes[at..at + 8])
            );
            let end = at + 12 + usize::try_from(length).unwrap();
            let data = &bytes[at + 12..end];
            assert_eq!(unmask(u32_at(&bytes, end)), slow_crc32c(data));
            events.push(fields(data));
            at = end + 4;
        }
        assert_eq!(events.len(), 2);
        assert!(events[0].contains(&(3, 2, b"brain.Event:2".to_vec())));
        assert!(events[1].contains(&(1, 1, 1_700_000_001.5_f64.to_le_bytes().to_vec())));
        assert!(events[1].contains(&(2, 0, 3_u64.to_le_bytes().to_vec())));
        let summary = events[1].iter().find(|f| f.0 == 5).unwrap();
        let values: Vec<_> = fields(&summary.2).iter().map(|f| fields(&f.2)).collect();
        let loss = vec![
            (1, 2, b"epoch_loss".to_vec()),
            (2, 5, 0.25_f32.to_le_bytes().to_vec()),
        ];
        assert_eq!(values[0], loss);
        assert_eq!(values.len(), 2);
    }
}

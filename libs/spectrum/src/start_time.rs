//! When an acquisition began, with or without a known time zone.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A date and time of day to the second. Most instruments do not say in which zone.
///
/// Written as ISO 8601: `2018-05-15T11:01:46-04:00`, or without the offset where it is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StartTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    utc_offset_min: Option<i16>,
}

/// A field that no calendar or clock has, or a text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartTimeError {
    /// One field is outside its range.
    #[error("{field} is {value}; allowed: {allowed}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// The value given.
        value: i64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The text is not of the form that this type writes.
    #[error("{0:?} is no time of the form 2018-05-15T11:01:46-04:00 (the offset may be missing)")]
    Form(String),
}

impl StartTime {
    /// A time from `[year, month, day]` and `[hour, minute, second]`, in a zone not known.
    ///
    /// # Errors
    /// When a field is outside the calendar (years 1900 to 9999) or the clock.
    pub fn new(date: [u16; 3], time: [u8; 3]) -> Result<Self, StartTimeError> {
        let [year, month, day] = date;
        let [hour, minute, second] = time;
        let fields = [
            ("year", year, 1900, 9999, "1900 to 9999"),
            ("month", month, 1, 12, "1 to 12"),
            (
                "day",
                day,
                1,
                days_in(year, month),
                "1 to the last day of the month",
            ),
            ("hour", u16::from(hour), 0, 23, "0 to 23"),
            ("minute", u16::from(minute), 0, 59, "0 to 59"),
            ("second", u16::from(second), 0, 59, "0 to 59"),
        ];
        for (field, value, lowest, highest, allowed) in fields {
            if !(lowest..=highest).contains(&value) {
                return Err(StartTimeError::OutOfRange {
                    field,
                    value: value.into(),
                    allowed,
                });
            }
        }
        // Month and day were checked to be small just above.
        let (month, day) = (month as u8, day as u8);
        Ok(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            utc_offset_min: None,
        })
    }

    /// The same clock reading in a zone that is ahead of UTC by `minutes`.
    ///
    /// # Errors
    /// When the offset is beyond 18 hours.
    pub fn with_utc_offset_min(self, minutes: i16) -> Result<Self, StartTimeError> {
        if minutes.unsigned_abs() > 18 * 60 {
            let value = minutes.into();
            let allowed = "-1080 to 1080";
            return Err(StartTimeError::OutOfRange {
                field: "UTC offset (min)",
                value,
                allowed,
            });
        }
        Ok(Self {
            utc_offset_min: Some(minutes),
            ..self
        })
    }

    /// Year, month and day as the clock showed them.
    #[must_use]
    pub const fn date(&self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Hour (0 to 23), minute and second as the clock showed them.
    #[must_use]
    pub const fn time(&self) -> (u8, u8, u8) {
        (self.hour, self.minute, self.second)
    }

    /// Minutes that the clock was ahead of UTC; `None` where the zone is unknown.
    #[must_use]
    pub const fn utc_offset_min(&self) -> Option<i16> {
        self.utc_offset_min
    }

    /// Seconds since 1970-01-01 of the clock's own zone: orders the spectra of one instrument.
    #[must_use]
    pub fn local_seconds(&self) -> i64 {
        let days = days_from_epoch(self.year.into(), self.month.into(), self.day.into());
        let minutes = (days * 24 + i64::from(self.hour)) * 60 + i64::from(self.minute);
        minutes * 60 + i64::from(self.second)
    }

    /// Seconds since 1970-01-01 UTC; `None` where the zone is unknown.
    #[must_use]
    pub fn unix_seconds(&self) -> Option<i64> {
        self.utc_offset_min
            .map(|offset| self.local_seconds() - i64::from(offset) * 60)
    }
}

fn days_in(year: u16, month: u16) -> u16 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u16::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, counting years from March.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

impl fmt::Display for StartTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        match self.utc_offset_min {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl FromStr for StartTime {
    type Err = StartTimeError;

    /// Reads what [`fmt::Display`] writes, and nothing else: the sloppy forms of instruments
    /// are the business of the file readers.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || StartTimeError::Form(text.chars().take(40).collect());
        let number = |from: usize, to: usize| {
            let digits = text
                .get(from..to)
                .filter(|t| t.bytes().all(|b| b.is_ascii_digit()));
            digits
                .and_then(|digits| digits.parse::<u16>().ok())
                .ok_or_else(form)
        };
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if marks
            .iter()
            .any(|&(at, mark)| text.as_bytes().get(at) != Some(&mark))
        {
            return Err(form());
        }
        let date = [number(0, 4)?, number(5, 7)?, number(8, 10)?];
        // Two digits always fit.
        let time = [
            number(11, 13)? as u8,
            number(14, 16)? as u8,
            number(17, 19)? as u8,
        ];
        let local = Self::new(date, time)?;
        let sign = match text.as_bytes().get(19) {
            None => return Ok(local),
            Some(b'Z') if text.len() == 20 => return local.with_utc_offset_min(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return Err(form()),
        };
        let (hours, minutes) = (number(20, 22)?, number(23, 25)?);
        if text.len() != 25 || text.as_bytes()[22] != b':' || minutes > 59 {
            return Err(form());
        }
        local.with_utc_offset_min(sign * (hours * 60 + minutes) as i16)
    }
}

impl Serialize for StartTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StartTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn knows_the_calendar() {
        assert!(StartTime::new([2016, 2, 29], [0, 0, 0]).is_ok());
        for date in [
            [2015, 2, 29],
            [1900, 2, 29],
            [2018, 4, 31],
            [2018, 13, 1],
            [2018, 0, 1],
        ] {
            assert!(StartTime::new(date, [0, 0, 0]).is_err(), "{date:?}");
        }
        assert!(StartTime::new([2018, 5, 15], [24, 0, 0]).is_err());
    }

    #[test]
    fn seconds_agree_with_published_instants() {
        // 2^31 − 1 seconds: the well-known end of 32-bit time.
        let end = StartTime::new([2038, 1, 19], [3, 14, 7]).unwrap();
        assert_eq!(end.local_seconds(), i64::from(i32::MAX));
        assert_eq!(end.unix_seconds(), None);
        let billion = StartTime::new([2001, 9, 8], [21, 46, 40]).unwrap();
        let zoned = billion.with_utc_offset_min(-240).unwrap();
        assert_eq!(zoned.unix_seconds(), Some(1_000_000_000));
    }

    #[test]
    fn refuses_other_forms() {
        for text in [
            "",
            "05/15/2018 11:01:46",
            "2018-05-15 11:01:46",
            "2018-05-15T11:01:4",
            "2018-05-15T11:01:46-4",
            "2018-05-15T11:01:46+99:00",
            "2018-05-15T11:01:46Zulu",
            "2018-05-15T1é:01:46",
            "+018-05-15T11:01:46",
        ] {
            assert!(text.parse::<StartTime>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trip(
            (year, month, day) in (1900u16..=9999, 1u16..=12, 1u16..=28),
            (hour, minute, second) in (0u8..24, 0u8..60, 0u8..60),
            offset in proptest::option::of(-1080i16..=1080),
        ) {
            let mut time = StartTime::new([year, month, day], [hour, minute, second]).unwrap();
            if let Some(offset) = offset {
                time = time.with_utc_offset_min(offset).unwrap();
            }
            prop_assert_eq!(time.to_string().parse::<StartTime>(), Ok(time));
            let json = serde_json::to_string(&time).unwrap();
            prop_assert_eq!(serde_json::from_str::<StartTime>(&json).unwrap(), time);
        }
    }
}

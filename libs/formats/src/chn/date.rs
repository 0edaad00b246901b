//! The start of a CHN file: `DDMMMYY*` and `HHMM` in the header, the seconds in front of them.

use super::{START_CLOCK, START_DATE, START_SECOND, array};
use crate::{FormatError, WarningCode, warning::Warnings};
use assay_spectrum::StartTime;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// What marks a year of this century; another digit stands for the last one.
const THIS_CENTURY: u8 = b'1';
const LAST_CENTURY: u8 = b'0';

/// The start as the header has it.
pub(super) struct Start {
    date: [u8; 8],
    clock: [u8; 4],
    second: [u8; 2],
}

impl Start {
    pub(super) fn of(header: &[u8]) -> Option<Self> {
        Some(Self {
            date: array(header, START_DATE)?,
            clock: array(header, START_CLOCK)?,
            second: array(header, START_SECOND)?,
        })
    }

    /// The header's text, to be kept where it cannot be understood.
    pub(super) fn text(&self) -> String {
        let shown = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => ' ',
        };
        let all = self.date.iter().chain(&self.clock).chain(&self.second);
        all.map(shown).collect::<String>().trim().to_owned()
    }

    /// The start time; `None` after a warning where there is none or it is no date.
    pub(super) fn read(&self, warnings: &mut Warnings) -> Option<StartTime> {
        if is_blank(&self.date) {
            warnings.add(WarningCode::DateMissing, None, || {
                "the header has no start date".to_owned()
            });
            return None;
        }
        let time = self.parse();
        if time.is_none() {
            warnings.add(WarningCode::DateUnusable, None, || {
                let text = self.text();
                format!(
                    "byte {START_DATE}: {text:?} is no date that is understood (DDMMMYY and 1 \
                     from 2000 on, HHMM, SS); the start time stays unknown"
                )
            });
        }
        if let Some(time) = time.filter(|_| self.is_clipped()) {
            warnings.add(WarningCode::DateClipped, None, || {
                format!("byte {START_DATE}: the start lacks digits; it was read as {time}")
            });
        }
        time
    }

    fn parse(&self) -> Option<StartTime> {
        let name = str::from_utf8(&self.date[2..5]).ok()?;
        let month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(name))?;
        let year = two_digits(&self.date[5..7])?;
        let century = match self.date[7] {
            THIS_CENTURY => 2000,
            LAST_CENTURY => 1900,
            // Writers that leave the mark out are older or newer than it.
            _ if year < 70 => 2000,
            _ => 1900,
        };
        let or_zero = |digits: &[u8]| {
            if is_blank(digits) {
                Some(0)
            } else {
                two_digits(digits)
            }
        };
        let clock = [&self.clock[..2], &self.clock[2..], &self.second].map(or_zero);
        let [Some(hour), Some(minute), Some(second)] = clock else {
            return None;
        };
        let date = [
            century + year,
            month as u16 + 1,
            two_digits(&self.date[..2])?,
        ];
        // Two digits always fit.
        StartTime::new(date, [hour as u8, minute as u8, second as u8]).ok()
    }

    fn is_clipped(&self) -> bool {
        let no_century = !matches!(self.date[7], THIS_CENTURY | LAST_CENTURY);
        no_century || [&self.clock[..2], &self.clock[2..], &self.second].map(is_blank) != [false; 3]
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, 0 | b' '))
}

/// One or two digits; a blank stands for a leading zero.
fn two_digits(bytes: &[u8]) -> Option<u16> {
    let text = str::from_utf8(bytes).ok()?.trim_start();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Seconds, date and clock as the header holds them; blanks of zero where the time is unknown.
///
/// # Errors
/// When the year is outside the two centuries that can be marked.
pub(super) fn write(time: Option<StartTime>) -> Result<([u8; 2], [u8; 12]), FormatError> {
    let Some(time) = time else {
        return Ok(([0; 2], [0; 12]));
    };
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.time());
    let century = match year {
        1900..2000 => LAST_CENTURY,
        2000..2100 => THIS_CENTURY,
        _ => {
            return Err(FormatError::NotWritable {
                format: "CHN",
                field: "a start in the year".to_owned(),
                value: year.to_string(),
                allowed: "1900 to 2099".to_owned(),
            });
        }
    };
    let digits = |value: u16| [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8];
    let name = MONTHS[usize::from(month) - 1].as_bytes();
    let mut text = [0; 12];
    text[..2].copy_from_slice(&digits(day.into()));
    text[2..5].copy_from_slice(name);
    text[5..7].copy_from_slice(&digits(year));
    text[7] = century;
    text[8..10].copy_from_slice(&digits(hour.into()));
    text[10..].copy_from_slice(&digits(minute.into()));
    Ok((digits(second.into()), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(date: &[u8; 8], clock: &[u8; 4], second: &[u8; 2]) -> (String, Vec<WarningCode>) {
        let (date, clock, second) = (*date, *clock, *second);
        let start = Start {
            date,
            clock,
            second,
        };
        let mut warnings = Warnings::default();
        let time = start.read(&mut warnings);
        let text = time.map_or_else(|| start.text(), |time| time.to_string());
        (text, warnings.finish().iter().map(|w| w.code).collect())
    }

    #[test]
    fn centuries_and_blanks() {
        let time = |text: &str| (format!("{text}T09:07:05"), vec![]);
        assert_eq!(read(b"01JAN991", b"0907", b"05"), time("2099-01-01"));
        assert_eq!(read(b"01jan990", b" 9 7", b" 5"), time("1999-01-01"));
        let clipped = |text: &str| (format!("{text}T09:07:05"), vec![WarningCode::DateClipped]);
        assert_eq!(read(b"01Jan99 ", b"0907", b"05"), clipped("1999-01-01"));
        assert_eq!(read(b"01Jan07\0", b"0907", b"05"), clipped("2007-01-01"));
        let none = (String::new(), vec![WarningCode::DateMissing]);
        assert_eq!(read(&[0; 8], &[0; 4], &[0; 2]), none);
        let unusable = ("01Xyz0710907+5".to_owned(), vec![WarningCode::DateUnusable]);
        assert_eq!(read(b"01Xyz071", b"0907", b"+5"), unusable);
    }

    proptest! {
        #[test]
        fn written_starts_are_read_back(
            (year, month, day) in (1900u16..2100, 1u16..=12, 1u16..=28),
            (hour, minute, second) in (0u8..24, 0u8..60, 0u8..60),
        ) {
            let time = StartTime::new([year, month, day], [hour, minute, second]).unwrap();
            let (second, text) = write(Some(time)).unwrap();
            let (date, clock) = (text[..8].try_into().unwrap(), text[8..].try_into().unwrap());
            prop_assert_eq!(read(date, clock, &second), (time.to_string(), vec![]));
        }

        #[test]
        fn no_bytes_panic(date: [u8; 8], clock: [u8; 4], second: [u8; 2]) {
            read(&date, &clock, &second);
        }
    }
}

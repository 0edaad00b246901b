//! Dates as instruments write them: American order, clipped digits, a zone in brackets.

use crate::{WarningCode, warning::Warnings};
use assay_spectrum::StartTime;

/// Reads a date and time of day forgivingly; a date that cannot be understood is a warning.
pub(crate) fn parse(text: &str, line: usize, warnings: &mut Warnings) -> Option<StartTime> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let found = Parts::read(text).and_then(|parts| Some((parts.start_time()?, parts)));
    let Some((time, parts)) = found else {
        warnings.add(WarningCode::DateUnusable, line, || {
            let shown = crate::error::shorten(text.as_bytes());
            format!("{shown:?} is no date that is understood; the start time stays unknown")
        });
        return None;
    };
    if parts.clipped {
        warnings.add(WarningCode::DateClipped, line, || {
            format!("the date {text:?} lacks digits; it was read as {time}")
        });
    }
    if parts.day_first {
        warnings.add(WarningCode::DateDayFirst, line, || {
            format!("the date {text:?} has the day first; it was read as {time}")
        });
    }
    Some(time)
}

/// What was found in the text, before the calendar has its say.
#[derive(Default)]
struct Parts {
    date: [u16; 3],
    time: [u8; 3],
    afternoon: Option<bool>,
    utc_offset_min: Option<i16>,
    clipped: bool,
    day_first: bool,
}

impl Parts {
    fn read(text: &str) -> Option<Self> {
        let mut parts = Self::default();
        // A "T" between digits is ISO's way to write the blank.
        let is_mark = |(at, c): (usize, char)| {
            let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
            c == 'T' && before.is_some_and(u8::is_ascii_digit)
        };
        let split = text
            .char_indices()
            .find(|&pair| pair.1.is_whitespace() || is_mark(pair));
        let (date, rest) = match split {
            Some((at, mark)) => (&text[..at], &text[at + mark.len_utf8()..]),
            None => (text, ""),
        };
        parts.read_date(date)?;
        let rest = rest.trim_start();
        let is_clock = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.');
        let end = rest.find(|c| !is_clock(c)).unwrap_or(rest.len());
        parts.read_time(&rest[..end])?;
        for word in rest[end..].split_whitespace() {
            parts.read_suffix(word)?;
        }
        Some(parts)
    }

    fn read_date(&mut self, text: &str) -> Option<()> {
        let mut fields = text.split(['/', '-', '.']);
        let [a, b, c] = [fields.next()?, fields.next()?, fields.next()?];
        if fields.next().is_some() {
            return None;
        }
        let month_name = |name: &str| {
            let names = "janfebmaraprmayjunjulaugsepoctnovdec";
            let name = name.to_ascii_lowercase();
            let at = (name.len() == 3).then(|| names.find(&name)).flatten()?;
            (at % 3 == 0).then_some(at as u16 / 3 + 1)
        };
        if a.len() == 4 {
            self.date = [number(a)?, number(b)?, number(c)?];
            return Some(());
        }
        let year = match c.len() {
            4 => number(c)?,
            2 => {
                self.clipped = true;
                let year = number(c)?;
                year + if year < 70 { 2000 } else { 1900 }
            }
            _ => return None,
        };
        if let Some(month) = month_name(b) {
            self.date = [year, month, number(a)?];
            return Some(());
        }
        let (first, second) = (number(a)?, number(b)?);
        self.day_first = first > 12 || text.contains('.');
        self.date = if self.day_first {
            [year, second, first]
        } else {
            [year, first, second]
        };
        Some(())
    }

    fn read_time(&mut self, text: &str) -> Option<()> {
        // Fractions of a second are more than a start time needs.
        let text = text.split('.').next()?;
        let mut fields = text.split(':');
        for (index, value) in self.time.iter_mut().enumerate() {
            let field = fields.next().unwrap_or("");
            let full_digits = if index == 0 { 1 } else { 2 };
            self.clipped |= field.len() < full_digits;
            if !field.is_empty() {
                *value = u8::try_from(number(field)?).ok()?;
            }
        }
        fields.next().is_none().then_some(())
    }

    fn read_suffix(&mut self, word: &str) -> Option<()> {
        let word = word.trim_start_matches('(').trim_end_matches(')');
        match word.to_ascii_uppercase().as_str() {
            "AM" => self.afternoon = Some(false),
            "PM" => self.afternoon = Some(true),
            "Z" | "UTC" | "GMT" => self.utc_offset_min = Some(0),
            offset => {
                let (sign, digits) = match offset.strip_prefix('-') {
                    Some(digits) => (-1, digits),
                    None => (1, offset.strip_prefix('+')?),
                };
                let digits = digits.replace(':', "");
                let value = i16::try_from(number(&digits)?).ok()?;
                let (hours, minutes) = match digits.len() {
                    1 | 2 => (value, 0),
                    3 | 4 => (value / 100, value % 100),
                    _ => return None,
                };
                self.utc_offset_min = Some(sign * (hours * 60 + minutes));
            }
        }
        Some(())
    }

    fn start_time(&self) -> Option<StartTime> {
        let [hour, minute, second] = self.time;
        let hour = match self.afternoon {
            None => hour,
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
        };
        let time = StartTime::new(self.date, [hour, minute, second]).ok()?;
        match self.utc_offset_min {
            Some(offset) => time.with_utc_offset_min(offset).ok(),
            None => Some(time),
        }
    }
}

fn number(digits: &str) -> Option<u16> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten()
}

/// The way ORTEC writes a date, with the zone in brackets where it is known.
pub(crate) fn write(time: StartTime) -> String {
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.time());
    let clock = format!("{month:02}/{day:02}/{year:04} {hour:02}:{minute:02}:{second:02}");
    let Some(offset) = time.utc_offset_min() else {
        return clock;
    };
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.unsigned_abs() / 60, offset.unsigned_abs() % 60);
    match minutes {
        0 => format!("{clock} ({sign}{hours:02})"),
        _ => format!("{clock} ({sign}{hours:02}:{minutes:02})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (Option<String>, Vec<WarningCode>) {
        let mut warnings = Warnings::default();
        let time = parse(text, 1, &mut warnings).map(|time| time.to_string());
        (time, warnings.finish().iter().map(|w| w.code).collect())
    }

    #[test]
    fn the_forms_that_instruments_write() {
        for (text, expected) in [
            ("07/13/2016 5:42:09 PM", "2016-07-13T17:42:09"),
            ("02/19/2017 12:12:02 PM", "2017-02-19T12:12:02"),
            ("02/19/2017 12:12:02 AM", "2017-02-19T00:12:02"),
            ("05/15/2018 11:01:46 (-04)", "2018-05-15T11:01:46-04:00"),
            ("05/15/2018 11:01:46 (+0530)", "2018-05-15T11:01:46+05:30"),
            ("05/15/2018 11:01:46.25 +5:30", "2018-05-15T11:01:46+05:30"),
            ("2018-05-15 11:01:46 UTC", "2018-05-15T11:01:46Z"),
            ("2018-05-15T11:01:46.5", "2018-05-15T11:01:46"),
            ("15-May-2018 11:01:46", "2018-05-15T11:01:46"),
            ("7/4/2016  05:42:09", "2016-07-04T05:42:09"),
        ] {
            assert_eq!(read(text), (Some(expected.to_owned()), vec![]), "{text}");
        }
    }

    #[test]
    fn clipped_and_day_first_dates_warn() {
        for (text, expected, code) in [
            (
                "05/14/2018 10:17:0",
                "2018-05-14T10:17:00",
                WarningCode::DateClipped,
            ),
            (
                "05/14/2018 10:17",
                "2018-05-14T10:17:00",
                WarningCode::DateClipped,
            ),
            (
                "05/14/2018",
                "2018-05-14T00:00:00",
                WarningCode::DateClipped,
            ),
            (
                "05/14/18 10:17:05",
                "2018-05-14T10:17:05",
                WarningCode::DateClipped,
            ),
            (
                "14/05/2018 10:17:05",
                "2018-05-14T10:17:05",
                WarningCode::DateDayFirst,
            ),
            (
                "01.05.2018 10:17:05",
                "2018-05-01T10:17:05",
                WarningCode::DateDayFirst,
            ),
        ] {
            assert_eq!(
                read(text),
                (Some(expected.to_owned()), vec![code]),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_date_is_a_warning_and_never_a_refusal() {
        for text in [
            "",
            "yesterday",
            "02/30/2018 10:00:00",
            "05/14/2018 25:00:00",
            "05/14/2018 0:10:00 PM",
            "05/14/2018 10:17:00 EST5",
            "99/99/9999 99:99:99",
            "5/14",
            "05/14/2018T",
            "µ/µ/µ",
            "05/14/2018 10:17:00 (-99)",
            "1/2/3/4 10:00:00",
            "05/14/2018 10:1é",
        ] {
            let (time, codes) = read(text);
            assert!(
                time.is_none() || codes == [WarningCode::DateClipped],
                "{text}: {time:?}"
            );
            assert_eq!(codes.len(), 1, "{text}: {codes:?}");
        }
    }

    proptest! {
        #[test]
        fn written_dates_are_read_back(
            (year, month, day) in (1900u16..=9999, 1u16..=12, 1u16..=28),
            (hour, minute, second) in (0u8..24, 0u8..60, 0u8..60),
            offset in proptest::option::of(-1080i16..=1080),
        ) {
            let mut time = StartTime::new([year, month, day], [hour, minute, second]).unwrap();
            if let Some(offset) = offset {
                time = time.with_utc_offset_min(offset).unwrap();
            }
            prop_assert_eq!(read(&write(time)), (Some(time.to_string()), vec![]));
        }

        #[test]
        fn no_text_panics(text in "[0-9/:.TZ ()+\\-AMPé]{0,30}|\\PC*") {
            read(&text);
        }
    }
}

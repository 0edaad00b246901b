//! Days and seconds of UTC, for dates in the file of tokens and in the audit log.

use toml::value::{Date, Datetime, Offset, Time};

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// Seconds since 1970 of a moment as TOML writes it. A date alone is its first moment; without an
/// offset it is UTC. `None` for a time without a date.
pub(super) fn seconds_of(moment: &Datetime) -> Option<i64> {
    let date = moment.date.as_ref()?;
    let days = days_since_1970(i64::from(date.year), date.month.into(), date.day.into());
    let time = moment.time.as_ref().map_or(0, |time| {
        i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second)
    });
    let offset_s = match moment.offset {
        None | Some(Offset::Z) => 0,
        Some(Offset::Custom { minutes }) => i64::from(minutes) * 60,
    };
    Some(days * DAY_S + time - offset_s)
}

/// A moment in UTC from seconds since 1970.
pub(super) fn moment(seconds: u64) -> Datetime {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let (year, month, day) = date_of(seconds / DAY_S);
    let of_day = seconds % DAY_S;
    let small = |value: i64| u8::try_from(value).unwrap_or(u8::MAX);
    Datetime {
        date: Some(Date {
            year: u16::try_from(year).unwrap_or(u16::MAX),
            month: small(month),
            day: small(day),
        }),
        time: Some(Time {
            hour: small(of_day / 3600),
            minute: small(of_day / 60 % 60),
            second: small(of_day % 60),
            nanosecond: 0,
        }),
        offset: Some(Offset::Z),
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March,
/// so that the leap day is the last of its year.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 1970-01-01 is day 719468 of this count.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The date of a day, for days from 1970 on.
fn date_of(days: i64) -> (i64, i64, i64) {
    // Never later than the year that holds it, and at most one year earlier.
    let mut year = 1970 + days / 366;
    while days_since_1970(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month = (1..=12)
        .rev()
        .find(|&month| days_since_1970(year, month, 1) <= days)
        .unwrap_or(1);
    (year, month, days - days_since_1970(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_system_clock() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("1970-01-01T00:00:01Z", 1),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2000-03-01", 951_868_800),
            ("2027-01-01", 1_798_761_600),
            ("2027-01-01T01:00:00+01:00", 1_798_761_600),
            ("2100-03-01 00:00:00", 4_107_542_400),
        ] {
            let read: Datetime = text.parse().unwrap();
            assert_eq!(seconds_of(&read), Some(seconds), "{text}");
            let back = moment(u64::try_from(seconds).unwrap());
            assert_eq!(seconds_of(&back), Some(seconds), "{back}");
        }
        assert_eq!(moment(951_825_600).to_string(), "2000-02-29T12:00:00Z");
        assert_eq!(moment(1_798_761_599).to_string(), "2026-12-31T23:59:59Z");
        assert_eq!(seconds_of(&"07:32:00".parse().unwrap()), None);
    }

    #[test]
    fn every_day_of_four_centuries_has_its_date() {
        let mut last = (0, 0, 0);
        for days in 0..146_097 {
            let (year, month, day) = date_of(days);
            assert_eq!(days_since_1970(year, month, day), days);
            assert!((year, month, day) > last, "{year}-{month}-{day}");
            last = (year, month, day);
        }
    }
}

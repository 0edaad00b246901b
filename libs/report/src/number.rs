//! Numbers as people read them.

/// A number with four significant digits; powers of ten outside 0.001 … 99,999.
pub(crate) fn plain(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor();
    if !(-3.0..5.0).contains(&magnitude) {
        return trim_exponent(&format!("{value:.3e}"));
    }
    let decimals = (3.0 - magnitude).clamp(0.0, 6.0) as usize;
    minus(&format!("{value:.decimals$}"))
}

/// A number with up to four significant digits and no trailing zeros, for running text.
pub(crate) fn brief(value: f64) -> String {
    let text = plain(value);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A share as percentage; never rounds to 100 % or 0 % what is not.
pub(crate) fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    match text.as_str() {
        "100.0" if share < 1.0 => "> 99.9 %".into(),
        "0.0" if share > 0.0 => "< 0.1 %".into(),
        "100.0" => "100 %".into(),
        "0.0" => "0 %".into(),
        other => format!("{other} %"),
    }
}

/// A share with four decimals, as figures of merit are quoted.
pub(crate) fn share(value: f64) -> String {
    minus(&format!("{value:.4}"))
}

/// A duration: milliseconds, seconds, or minutes and seconds.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 99.95 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round() as u64;
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
        if hours > 0 {
            format!("{hours} h {minutes} min {rest} s")
        } else {
            format!("{minutes} min {rest} s")
        }
    }
}

/// A p-value; small ones keep two significant digits.
pub(crate) fn p_value(value: f64) -> String {
    if value >= 0.001 {
        format!("{value:.3}")
    } else {
        trim_exponent(&format!("{value:.1e}"))
    }
}

fn trim_exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return minus(text);
    };
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    minus(&format!("{mantissa}e{exponent}"))
}

/// The typographic minus lines up with digits and is not taken for a hyphen.
fn minus(text: &str) -> String {
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_keeps_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.1, "0.1000"),
            (-3.21456, "−3.215"),
            (12_345.6, "12346"),
            (1e-6, "1e−6"),
            (2.5e7, "2.5e7"),
        ] {
            assert_eq!(plain(value), text);
        }
    }

    #[test]
    fn brief_drops_trailing_zeros_only() {
        for (value, text) in [
            (0.1, "0.1"),
            (0.0026, "0.0026"),
            (100.0, "100"),
            (1e-4, "1e−4"),
        ] {
            assert_eq!(brief(value), text);
        }
    }

    #[test]
    fn percent_never_claims_all_or_nothing_wrongly() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.99999), "> 99.9 %");
        assert_eq!(percent(0.00001), "< 0.1 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.983_6), "98.4 %");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(0.25), "250 ms");
        assert_eq!(duration(42.04), "42.0 s");
        assert_eq!(duration(252.2), "4 min 12 s");
        assert_eq!(duration(3_661.0), "1 h 1 min 1 s");
    }

    #[test]
    fn small_p_values_stay_visible() {
        assert_eq!(p_value(0.0387), "0.039");
        assert_eq!(p_value(0.0002), "2e−4");
    }
}

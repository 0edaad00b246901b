//! ANSI N42.42: XML with many measurements, in the form of 2012 (`RadInstrumentData`) and in that
//! of 2006 (`N42InstrumentData`). Documents are walked once; entities and DTDs are not expanded.

mod calibration;
mod counts;
mod duration;
mod element;
mod read;
mod remark;
mod walk;
mod write;

pub use read::read_n42;
pub use write::write_n42;

/// Root elements: of 2012, of 2006, and the one that may stand around the latter.
const ROOTS: [&str; 3] = ["RadInstrumentData", "N42InstrumentData", "Event"];

/// Whether a text begins like an XML document with one of the root elements.
pub(crate) fn looks_like_n42(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let names = |root: &str| {
        let root = root.as_bytes();
        text.windows(root.len()).any(|part| part == root)
    };
    text.starts_with(b"<") && ROOTS[..2].iter().any(|root| names(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_element_tells() {
        for head in [
            "<RadInstrumentData xmlns=\"http://physics.nist.gov/N42/2011/N42\">",
            "\n<?xml version=\"1.0\"?>\n<!-- x --><n42:RadInstrumentData>",
            "<Event><N42InstrumentData>",
        ] {
            assert!(looks_like_n42(head.as_bytes()), "{head}");
        }
        for head in [
            "",
            "<html>",
            "$SPEC_ID:\n<RadInstrumentData>",
            "RadInstrumentData",
        ] {
            assert!(!looks_like_n42(head.as_bytes()), "{head}");
        }
    }
}

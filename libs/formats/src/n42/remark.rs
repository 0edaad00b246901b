//! What stands in remarks: the title, blocks of other formats, and remarks proper; besides them
//! the instrument's name.

use assay_spectrum::Spectrum;

/// How a title begins, as other programs write it.
const TITLE: &str = "Title: ";
/// Name of the blocks that hold remarks.
const REMARK: &str = "REMARK";
/// Name of the block that holds the instrument's names, one a line.
const INSTRUMENT: &str = "INSTRUMENT";
const NAMES: [&str; 3] = ["Manufacturer: ", "Model: ", "Identifier: "];
/// What is written where a name is unknown.
pub(super) const UNKNOWN: &str = "unknown";

/// Puts a remark where it belongs: the first title into the title, the rest among the blocks.
pub(super) fn take(text: String, spectrum: &mut Spectrum) {
    if let Some(title) = text.strip_prefix(TITLE)
        && spectrum.title.is_empty()
    {
        spectrum.title = crate::spe::title(title);
        return;
    }
    let block = text
        .strip_prefix('$')
        .and_then(|rest| rest.split_once(":\n"))
        .filter(|(name, _)| !name.is_empty() && !name.contains('\n'));
    let block = match block {
        Some((name, text)) => (name.to_owned(), text.to_owned()),
        None if text.trim().is_empty() => return,
        None => (REMARK.to_owned(), text),
    };
    spectrum.blocks.push(block);
}

/// The remarks that [`take`] turns back into title and blocks.
pub(super) fn of_spectrum(spectrum: &Spectrum) -> Vec<String> {
    let title = Some(&spectrum.title).filter(|title| !title.is_empty());
    let mut remarks: Vec<_> = title
        .map(|title| format!("{TITLE}{title}"))
        .into_iter()
        .collect();
    for (name, text) in &spectrum.blocks {
        if name == INSTRUMENT {
            continue;
        }
        let plain = name == REMARK && !text.starts_with(TITLE) && !text.starts_with('$');
        remarks.push(if plain {
            text.clone()
        } else {
            let name = name.replace(['\n', '\r', ':'], "_");
            format!("${name}:\n{text}")
        });
    }
    remarks
}

/// The block with the names of the instrument, where the file has any.
pub(super) fn instrument_block(names: &[Option<String>; 3]) -> Option<(String, String)> {
    let lines: Vec<String> = NAMES
        .iter()
        .zip(names)
        .filter_map(|(what, name)| {
            let name = name.as_deref()?.trim();
            let says_something = !name.is_empty() && !name.eq_ignore_ascii_case(UNKNOWN);
            says_something.then(|| format!("{what}{}", name.replace(['\n', '\r'], " ")))
        })
        .collect();
    (!lines.is_empty()).then(|| (INSTRUMENT.to_owned(), lines.join("\n")))
}

/// The inverse of [`instrument_block`].
pub(super) fn instrument_names(spectrum: &Spectrum) -> [Option<&str>; 3] {
    let block = spectrum.blocks.iter().find(|(name, _)| name == INSTRUMENT);
    let text = block.map_or("", |(_, text)| text);
    NAMES.map(|what| text.lines().find_map(|line| line.strip_prefix(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(remarks: &[&str]) -> (String, Vec<(String, String)>) {
        let mut spectrum = Spectrum::default();
        for remark in remarks {
            take((*remark).to_owned(), &mut spectrum);
        }
        (spectrum.title, spectrum.blocks)
    }

    #[test]
    fn title_blocks_and_remarks_come_back() {
        let block = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let blocks = vec![
            block("ROI", "1\n2 3\n"),
            block("REMARK", "in a lead cave"),
            block("REMARK", "Title: of a book"),
            block("EMPTY", ""),
        ];
        let spectrum = Spectrum {
            title: "No. 5".to_owned(),
            blocks: blocks.clone(),
            ..Spectrum::default()
        };
        let remarks = of_spectrum(&spectrum);
        let remarks: Vec<&str> = remarks.iter().map(String::as_str).collect();
        assert_eq!(taken(&remarks), ("No. 5".to_owned(), blocks));
        assert_eq!(
            taken(&[" \n", "$5 only"]),
            (String::new(), vec![block("REMARK", "$5 only")])
        );
    }

    #[test]
    fn names_of_the_instrument() {
        let names = [
            Some("ORTEC".to_owned()),
            Some(" unknown ".to_owned()),
            Some("7".to_owned()),
        ];
        let block = instrument_block(&names);
        let spectrum = Spectrum {
            blocks: block.into_iter().collect(),
            ..Spectrum::default()
        };
        assert_eq!(
            instrument_names(&spectrum),
            [Some("ORTEC"), None, Some("7")]
        );
        assert_eq!(instrument_block(&[None, None, None]), None);
    }
}

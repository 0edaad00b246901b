//! The files of the console, built into the program.

/// A file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    /// Its name in `assets`.
    pub(crate) name: &'static str,
    /// Its media type.
    pub(crate) media_type: &'static str,
    /// Its bytes.
    pub(crate) bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PAGE: &str = "text/html; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal: $media_type:expr),* $(,)?) => {
        &[$(Asset {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../assets/", $name)),
        }),*]
    };
}

/// What `/` shows.
pub(crate) const INDEX: Asset = Asset {
    name: "index.html",
    media_type: PAGE,
    bytes: include_bytes!("../assets/index.html"),
};

/// What a path shows that leads nowhere.
pub(crate) const NOT_FOUND: Asset = Asset {
    name: "not_found.html",
    media_type: PAGE,
    bytes: include_bytes!("../assets/not_found.html"),
};

/// Everything below `/console/`.
pub(crate) const FILES: &[Asset] = files! {
    "app.js": SCRIPT,
    "base.css": STYLE,
    "bundle.js": SCRIPT,
    "card.js": SCRIPT,
    "controls.css": STYLE,
    "dialog.js": SCRIPT,
    "drawing.js": SCRIPT,
    "elements.js": SCRIPT,
    "explanation.js": SCRIPT,
    "faults.js": SCRIPT,
    "files.js": SCRIPT,
    "frames.js": SCRIPT,
    "gate.js": SCRIPT,
    "icon.svg": PICTURE,
    "identify.js": SCRIPT,
    "interface.js": SCRIPT,
    "job.js": SCRIPT,
    "jobs.js": SCRIPT,
    "messages.js": SCRIPT,
    "models.js": SCRIPT,
    "notice.js": SCRIPT,
    "parts.css": STYLE,
    "peaks.js": SCRIPT,
    "plot.js": SCRIPT,
    "rpc.js": SCRIPT,
    "scales.js": SCRIPT,
    "session.js": SCRIPT,
    "shapley.js": SCRIPT,
    "status.js": SCRIPT,
    "verdict.js": SCRIPT,
    "version.js": SCRIPT,
    "wire.js": SCRIPT,
    "words.js": SCRIPT,
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    fn all() -> Vec<Asset> {
        [&[INDEX, NOT_FOUND], FILES].concat()
    }

    #[test]
    fn every_file_in_the_folder_is_served_once() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let there: BTreeSet<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let served: BTreeSet<_> = all().iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(there, served);
        assert_eq!(all().len(), served.len());
    }

    #[test]
    fn nothing_comes_from_elsewhere_and_no_script_stands_in_a_page() {
        for Asset { name, bytes, .. } in all() {
            let text = std::str::from_utf8(bytes).unwrap();
            // The name of SVG's namespace is no address.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for word in [
                "http://",
                "https://",
                "\"//",
                "@import",
                "innerHTML",
                "eval(",
            ] {
                assert!(!text.contains(word), "{name} has {word}");
            }
            if name.ends_with(".html") {
                for word in ["style=", "<style", " onclick", "<script>"] {
                    assert!(!text.contains(word), "{name} has {word}");
                }
            }
            let first = text.lines().next().unwrap();
            if name.ends_with(".js") {
                assert!(first.starts_with("// "), "{name} does not say what it is");
            }
            assert!(text.lines().count() <= 400, "{name} is too long");
        }
    }

    #[test]
    fn scripts_import_only_what_is_there() {
        for Asset { name, bytes, .. } in all() {
            let text = std::str::from_utf8(bytes).unwrap();
            for import in text.split(" from \"./").skip(1) {
                let module = import.split('"').next().unwrap();
                let known = FILES.iter().any(|file| file.name == module);
                assert!(known, "{name} imports {module}");
            }
        }
    }
}

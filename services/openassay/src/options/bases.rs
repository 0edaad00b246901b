//! Where the weights of pretrained bases lie.

use crate::failure::{Failure, Result};
use assay_core::ErrorKind;
use assay_network::bases::{FOLDER, folder_above};
use clap::Args;
use std::{env, path::PathBuf};

/// The option that names the folder of bases.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct BasesOption {
    /// cnn2d: folder with the weights of bases, as `convert-base` writes them [default:
    /// .openassay/bases in a folder above the program or the working folder]
    #[arg(long, value_name = "DIR", env = "OPENASSAY_BASES_DIR")]
    bases_dir: Option<PathBuf>,
}

impl BasesOption {
    /// The folder.
    pub(crate) fn find(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.bases_dir {
            if folder.is_dir() {
                return Ok(folder.clone());
            }
            return Err(Failure::new(
                ErrorKind::NotFound,
                format!(
                    "--bases-dir {} is no folder; name the folder with the converted bases",
                    folder.display()
                ),
            ));
        }
        let starts = [env::current_exe().ok(), env::current_dir().ok()];
        folder_above(starts.into_iter().flatten()).ok_or_else(|| {
            Failure::new(
                ErrorKind::Unavailable,
                format!(
                    "there is no {FOLDER} in any folder above the program or the working \
                         folder; run `cargo xtask setup`, or convert a base with `openassay \
                         convert-base` and name its folder with --bases-dir or \
                         OPENASSAY_BASES_DIR"
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_found_upwards() {
        let root = tempfile::tempdir().unwrap();
        let bases = root.path().join(FOLDER);
        let deep = root.path().join("target/debug");
        std::fs::create_dir_all(&bases).unwrap();
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(folder_above([deep.join("openassay")]), Some(bases));
    }

    #[test]
    fn a_named_folder_that_is_missing_is_an_error() {
        let option = BasesOption {
            bases_dir: Some("/no/such/folder".into()),
        };
        assert!(option.find().is_err());
    }
}

//! The models that answer: one on input vectors, and one on images where a base is there.

use crate::{
    server::{Server, run_tool},
    spectra::Spectra,
};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// The model whose features are not cached, because a forward pass is cheaper.
pub(crate) const VECTOR: &str = "vector";
/// The model whose features are cached.
pub(crate) const IMAGE: &str = "image";
/// Small, so that the first round of features takes little; what is cached costs the same.
const IMAGE_SIZE: &str = "224";

/// Trained bundles.
pub(crate) struct Models {
    pub(crate) vector: PathBuf,
    pub(crate) image: Option<PathBuf>,
}

/// Trains on the spectra with the tool's defaults.
pub(crate) fn train(scratch: &Path, spectra: &Spectra) -> Result<Models> {
    let folder = scratch.join(spectra.name);
    let bundle = |name: &str| folder.join(name);
    let text = |path: &Path| path.to_str().map(str::to_owned).context("no UTF-8 path");
    let manifest = text(&spectra.manifest)?;
    let run = |name: &str, options: &[&str]| {
        let out = text(&bundle(name))?;
        let common = ["train", "--manifest", &manifest, "--bundle", &out];
        let all = [&common[..], &["--validation", "none"], options].concat();
        run_tool(scratch, &all)
    };
    run(VECTOR, &["--model", "cnn1d"])?;
    let options = [&["--model", "cnn2d", "--image-size", IMAGE_SIZE][..]].concat();
    let image = match run(IMAGE, &options) {
        Ok(()) => Some(bundle(IMAGE)),
        Err(error) => {
            println!("no model on images, so nothing is measured with cached features: {error}");
            None
        }
    };
    Ok(Models {
        vector: bundle(VECTOR),
        image,
    })
}

impl Models {
    /// Registers and promotes them.
    pub(crate) fn register(&self, server: &Server) -> Result<()> {
        let named = [(VECTOR, Some(&self.vector)), (IMAGE, self.image.as_ref())];
        for (name, bundle) in named {
            let Some(bundle) = bundle else { continue };
            let bundle = bundle.to_str().context("no UTF-8 path")?;
            let push = ["models", "push", "--bundle", bundle, "--name", name];
            let rest = ["--promote", "--server", &server.url];
            run_tool(Path::new("."), &[&push[..], &rest].concat())?;
        }
        Ok(())
    }
}

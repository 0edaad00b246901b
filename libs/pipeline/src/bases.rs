//! Bases by name: those of the catalogue, and foreign ones registered from an ONNX file.

use crate::{PipelineError, durable};
use assay_network::{
    Base, ForeignBase, ForeignSettings, NetworkError,
    bases::{self, LoadedBase},
};
use std::{fs, path::Path, path::PathBuf, sync::Arc};

/// Checks a foreign base and keeps it in a folder of bases as `<name>.onnx` and `<name>.json`;
/// from then on its name can stand in a model's specification. The same file with the same
/// settings may be registered again.
///
/// # Errors
/// When the name is no plain file name, belongs to the catalogue or to another foreign base, when
/// the file or the settings are refused, or when writing fails.
pub fn register_foreign(
    model: &[u8],
    settings: ForeignSettings,
    bases_dir: &Path,
) -> Result<Arc<ForeignBase>, PipelineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = settings.name.clone();
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        let allowed = "letters, digits, '-', '_' and '.', not beginning with '.'";
        return Err(PipelineError::parameter(
            "name of the base",
            format!("{name:?}"),
            allowed,
        ));
    }
    if name.parse::<Base>().is_ok() {
        let allowed = "a name that is not in the catalogue";
        return Err(PipelineError::parameter(
            "name of the base",
            format!("{name:?}"),
            allowed,
        ));
    }
    let base = ForeignBase::from_bytes(model, settings)?;
    let (model_file, settings_file) = foreign_files(&name, bases_dir);
    if settings_file.exists() {
        let (_, registered) = load_foreign(&name, None, bases_dir)?;
        if registered.digest() != base.digest() {
            let allowed = format!("another name: {} is another base", model_file.display());
            return Err(PipelineError::parameter(
                "name of the base",
                format!("{name:?}"),
                allowed,
            ));
        }
    }
    let text = serde_json::to_vec_pretty(base.settings())
        .map_err(|error| PipelineError::write(&settings_file)(std::io::Error::other(error)))?;
    fs::create_dir_all(bases_dir).map_err(PipelineError::write(bases_dir))?;
    durable::write_file(&model_file, model)?;
    // The settings come last: a base without them is not registered.
    durable::write_file(&settings_file, &text)?;
    Ok(Arc::new(base))
}

/// A base by name, with the file behind it where it is a foreign one.
pub(crate) fn load_base(
    name: &str,
    image_size: usize,
    bases_dir: &Path,
) -> Result<(LoadedBase, Option<Arc<ForeignBase>>), PipelineError> {
    let unknown = match name.parse::<Base>() {
        Ok(_) => return Ok((bases::load(name, bases_dir)?, None)),
        Err(error) => error,
    };
    // A name with a slash in it could reach outside the folder.
    let is_file_name = Path::new(name).file_name().is_some_and(|file| file == name);
    if !is_file_name || !foreign_files(name, bases_dir).1.is_file() {
        return Err(unknown.into());
    }
    let (loaded, foreign) = load_foreign(name, Some(image_size), bases_dir)?;
    Ok((loaded, Some(foreign)))
}

fn load_foreign(
    name: &str,
    image_size: Option<usize>,
    bases_dir: &Path,
) -> Result<(LoadedBase, Arc<ForeignBase>), PipelineError> {
    let (model_file, settings_file) = foreign_files(name, bases_dir);
    let read = |path: &Path| fs::read(path).map_err(PipelineError::read(path));
    let settings: ForeignSettings =
        serde_json::from_slice(&read(&settings_file)?).map_err(|error| NetworkError::Format {
            format: "settings of a foreign base",
            reason: format!("{}: {error}", settings_file.display()),
        })?;
    let foreign = ForeignBase::from_bytes(&read(&model_file)?, settings)?;
    let loaded = LoadedBase {
        descriptor: foreign.descriptor(),
        graph: foreign.graph(image_size),
        weights: assay_network::Weights::new(),
        digest: foreign.digest(),
    };
    Ok((loaded, Arc::new(foreign)))
}

fn foreign_files(name: &str, bases_dir: &Path) -> (PathBuf, PathBuf) {
    let file = |ending: &str| bases_dir.join(format!("{name}.{ending}"));
    (file("onnx"), file("json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelSpec, build_graph, fixture};
    use assay_gramian::Imaging;
    use assay_infer::{FeatureExtractor, OnnxRuntime, Watch};
    use assay_network::{ExportOptions, Landmark, Layout, export_onnx};

    /// A quarter-width MobileNet written as an ONNX file that takes pictures in [-1, 1].
    fn file() -> (Vec<u8>, ForeignSettings) {
        let graph = Base::MobileNetV1 { alpha: 0.25 }.picture_graph(None, None);
        let options = ExportOptions {
            outputs: vec![Landmark::FeatureMap],
            ..ExportOptions::default()
        };
        let model = export_onnx(&graph, &fixture::random_weights(&graph), &options).unwrap();
        let settings = ForeignSettings {
            name: "my-base".to_owned(),
            output: None,
            range: (-1.0, 1.0),
            mean: Vec::new(),
            deviation: Vec::new(),
            layout: Layout::Nchw,
            licence: "mine".to_owned(),
            source: "a test".to_owned(),
        };
        (model, settings)
    }

    #[test]
    fn a_registered_base_gives_features_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (model, settings) = file();
        let base = register_foreign(&model, settings.clone(), folder.path()).unwrap();
        register_foreign(&model, settings, folder.path()).unwrap();
        let imaging = Imaging {
            size: 64,
            ..Imaging::default()
        };
        let spec = ModelSpec::Cnn2d {
            base: "my-base".to_owned(),
            imaging,
            dropout: 0.2,
        };
        let built = build_graph(&spec, 300, 3, folder.path()).unwrap();
        let record = built.base_record().unwrap();
        assert_eq!(
            (record.digest, record.licence.as_str()),
            (base.digest(), "mine")
        );
        let runtime = OnnxRuntime::load(None).unwrap();
        let weights = built.base.unwrap().weights;
        let options = fixture::options().session;
        let extractor =
            FeatureExtractor::new(runtime, &built.graph, &weights, built.foreign, &options)
                .unwrap();
        let vectors = ndarray::Array2::from_shape_fn((2, 300), |(r, c)| ((r + 2) * c % 31) as f32);
        let features = extractor.extract(vectors.view(), &Watch::none()).unwrap();
        assert_eq!(features.dim(), (2, 256));
    }

    #[test]
    fn names_that_cannot_be_used_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (model, settings) = file();
        let register = |name: &str, range| {
            let name = name.to_owned();
            let settings = ForeignSettings {
                name,
                range,
                ..settings.clone()
            };
            register_foreign(&model, settings, folder.path())
        };
        for name in [
            "",
            "../up",
            "a/b",
            ".hidden",
            "efficientnet-lite0",
            "mobilenet-v1-0.3",
        ] {
            let error = register(name, (-1.0, 1.0)).unwrap_err().to_string();
            assert!(error.contains(&format!("{name:?}")), "{error}");
        }
        register("base", (-1.0, 1.0)).unwrap();
        let error = register("base", (0.0, 255.0)).unwrap_err().to_string();
        assert!(error.contains("another base"), "{error}");
        for name in ["base2", "../base"] {
            let error = load_base(name, 64, folder.path()).unwrap_err().to_string();
            assert!(error.contains("the catalogue has"), "{error}");
        }
    }
}

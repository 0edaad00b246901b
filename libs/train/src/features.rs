//! Features of a frozen base, computed once: by ONNX Runtime on the processor, by torch on a GPU.
//! With a folder for checkpoints they are kept there, because at full size they are the longest
//! part of a run.

use crate::{
    backend::{Mode, TchNetwork, Trainable},
    cuda::device_name,
    error::{Result, TrainError},
    fit::write_durably,
    observer::Observer,
    tensors,
};
use assay_core::{Digest, DigestBuilder};
use assay_infer::{FeatureExtractor, OnnxRuntime, SessionOptions};
use assay_network::{ForeignBase, Graph, Landmark, Op, Tensor, Weights};
use assay_pipeline::Watch;
use ndarray::{Array2, ArrayView2};
use std::{collections::BTreeMap, fs, num::NonZeroUsize, path::Path, sync::Arc};
use tch::{Device, no_grad};

/// Pixels of one batch on a GPU, so that memory does not depend on the number of rows.
const BATCH_PIXELS: usize = 8 << 20;

/// What torch computes convolutions with on a GPU: its bindings cannot turn off the reduced
/// precision of TensorFloat-32; `NVIDIA_TF32_OVERRIDE=0` in the environment does.
const GPU_DTYPE: &str = "f32 (tf32 convolutions)";

/// Version of torch that this crate is built for.
pub(crate) const TORCH: &str = "torch 2.11.0";

/// A network from spectrum to features, and where it runs.
#[derive(Debug, Clone)]
pub struct FeatureSource<'a> {
    /// A graph with the landmarks spectrum and features.
    pub graph: &'a Graph,
    /// Its weights.
    pub weights: &'a Weights,
    /// The file behind a foreign base, which ONNX Runtime computes on every device.
    pub foreign: Option<Arc<ForeignBase>>,
    /// Where to compute: ONNX Runtime serves the processor, torch a GPU.
    pub device: Device,
    /// Threads on the processor.
    pub threads: usize,
    /// The ONNX Runtime library; `None` searches the usual places.
    pub runtime_library: Option<&'a Path>,
    /// Folder where features are kept.
    pub keep_in: Option<&'a Path>,
}

/// Features and what computed them.
#[derive(Debug, Clone)]
pub struct Features {
    /// `[n, F]`.
    pub values: Array2<f32>,
    /// Engine, version, device and element type.
    pub engine: String,
}

/// Computes the features of input vectors.
///
/// # Shapes
/// `[n, bins]` → `[n, F]`.
///
/// # Errors
/// When a value is not finite, the runtime is missing, or the observer cancels.
pub fn compute_features(
    source: &FeatureSource<'_>,
    vectors: ArrayView2<'_, f32>,
    observer: &dyn Observer,
) -> Result<Features> {
    let engine = Engine::new(source)?;
    let kept = source
        .keep_in
        .map(|folder| {
            fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
            let key = key(source, vectors, &engine.name())?;
            Ok::<_, TrainError>(folder.join(format!("features-{}.safetensors", key.short())))
        })
        .transpose()?;
    if let Some(values) = kept.as_deref().and_then(|path| read(path, vectors.nrows())) {
        observer.progress(vectors.nrows(), vectors.nrows());
        let engine = engine.name();
        return Ok(Features { values, engine });
    }
    let values = engine.extract(vectors, observer)?;
    if let Some(path) = &kept {
        let shape = vec![values.nrows(), values.ncols()];
        let tensor = Tensor::new(shape, values.iter().copied().collect())?;
        let file: Weights = [("features".to_owned(), tensor)].into_iter().collect();
        write_durably(path, &file.to_safetensors(&BTreeMap::new())?)?;
    }
    Ok(Features {
        values,
        engine: engine.name(),
    })
}

enum Engine {
    Onnx(FeatureExtractor),
    Torch {
        network: TchNetwork,
        rows_per_batch: usize,
    },
}

impl Engine {
    fn new(source: &FeatureSource<'_>) -> Result<Self> {
        if source.device == Device::Cpu || is_foreign(source.graph) {
            let runtime = OnnxRuntime::load(source.runtime_library)?;
            let options = SessionOptions {
                threads: NonZeroUsize::new(source.threads),
                ..SessionOptions::default()
            };
            let foreign = source.foreign.clone();
            let extractor =
                FeatureExtractor::new(runtime, source.graph, source.weights, foreign, &options)?;
            return Ok(Self::Onnx(extractor));
        }
        let graph = source.graph.cut(Landmark::Spectrum, Landmark::Features)?;
        let pixels = graph.nodes.iter().find_map(|node| match &node.op {
            Op::GramianImage(layer) => Some(layer.imaging.size * layer.imaging.size),
            _ => None,
        });
        Ok(Self::Torch {
            network: TchNetwork::new(&graph, source.weights, source.device, Trainable::Nothing)?,
            rows_per_batch: (BATCH_PIXELS / pixels.unwrap_or(4096)).max(1),
        })
    }

    fn name(&self) -> String {
        match self {
            Self::Onnx(extractor) => extractor.engine().to_string(),
            Self::Torch { network, .. } => {
                format!("{TORCH} {} {GPU_DTYPE}", device_name(network.device()))
            }
        }
    }

    fn extract(
        &self,
        vectors: ArrayView2<'_, f32>,
        observer: &dyn Observer,
    ) -> Result<Array2<f32>> {
        match self {
            Self::Onnx(extractor) => {
                let progress = |done, total| observer.progress(done, total);
                let mut watch = Watch::none().with_progress(&progress);
                if let Some(flag) = observer.cancellation() {
                    watch = watch.with_cancellation(flag);
                }
                Ok(extractor.extract(vectors, &watch)?)
            }
            Self::Torch {
                network,
                rows_per_batch,
            } => extract_with_torch(network, *rows_per_batch, vectors, observer),
        }
    }
}

fn is_foreign(graph: &Graph) -> bool {
    let mut nodes = graph.nodes.iter();
    nodes.any(|node| matches!(node.op, Op::Foreign { .. }))
}

fn extract_with_torch(
    network: &TchNetwork,
    rows_per_batch: usize,
    vectors: ArrayView2<'_, f32>,
    observer: &dyn Observer,
) -> Result<Array2<f32>> {
    let total = vectors.nrows();
    let mut values = Vec::new();
    let mut done = 0;
    for batch in vectors.axis_chunks_iter(ndarray::Axis(0), rows_per_batch) {
        if observer.is_cancelled() {
            return Err(TrainError::Cancelled { checkpoint: None });
        }
        let rows: Vec<f32> = batch.iter().copied().collect();
        let input = tensors::from_f32(&rows, &[batch.nrows(), batch.ncols()], network.device())?;
        let features = no_grad(|| network.forward(&input, Landmark::Features, Mode::Inference))?;
        values.extend(tensors::to_f32(&features)?);
        done += batch.nrows();
        observer.progress(done, total);
    }
    let width = values.len() / total.max(1);
    Array2::from_shape_vec((total, width), values)
        .map_err(|_| TrainError::Defect("features have another number of rows than spectra"))
}

fn key(source: &FeatureSource<'_>, vectors: ArrayView2<'_, f32>, engine: &str) -> Result<Digest> {
    let graph = source.graph.cut(Landmark::Spectrum, Landmark::Features)?;
    let weights = source.weights.only_for(&graph)?;
    let graph = serde_json::to_vec(&graph).map_err(|e| TrainError::Data(e.to_string()))?;
    let vectors: Vec<f32> = vectors.iter().copied().collect();
    let foreign = source
        .foreign
        .as_ref()
        .map(|base| base.digest().to_string());
    Ok(DigestBuilder::new("openassay training features 1")
        .bytes(foreign.unwrap_or_default().as_bytes())
        .f32s(&vectors)
        .bytes(&graph)
        .bytes(weights.digest().as_bytes())
        .bytes(engine.as_bytes())
        .finish())
}

/// Kept features; a file that is missing or damaged is as good as none.
fn read(path: &Path, rows: usize) -> Option<Array2<f32>> {
    let (mut file, _) = Weights::from_safetensors(&fs::read(path).ok()?).ok()?;
    let tensor = file.remove("features")?;
    let [found, width] = tensor.shape[..] else {
        return None;
    };
    (found == rows).then(|| Array2::from_shape_vec((rows, width), tensor.data).ok())?
}

//! Explains one measured spectrum's image under EfficientNet-Lite0 and prints, as lines of JSON,
//! how long that took against running the whole network on every masked image, by the clock and in
//! processor time, which a busy machine changes less, and how far the two differ. Sizes, evaluations and the memory in MiB may be named:
//! `cargo bench -p assay-shap --bench shap -- 512,2631 500 1024`.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]
#![expect(
    clippy::unwrap_used,
    reason = "a bench fails by panicking, in its helpers too"
)]

use assay_golden::Npz;
use assay_gramian::Imaging;
use assay_infer::{
    Mask, MaskedFeatures, MaskedNetwork, MaskedOptions, OnnxRuntime, Rectangle, Session,
    SessionOptions,
};
use assay_network::{
    ExportOptions, Graph, Head, HeadSpec, Landmark, bases, catalogue, export_onnx,
};
use assay_shap::{
    BlurKernel, Game, ImageBlock, ImageMasker, Outputs, Owen, OwenSettings, Query, ShapError,
};
use ndarray::{Array2, Axis};
use std::{
    ops::ControlFlow,
    path::PathBuf,
    time::{Duration, Instant},
};

const BASE: &str = "efficientnet-lite0";
const CLASSES: usize = 10;
/// Side of the moving average that hides pixels, against the side of the image.
const BLUR: usize = 8;
/// One mask of so many is also run through the whole network, between the others, so that both
/// times are taken under the same load.
const WHOLE_EVERY: usize = 62;

fn main() {
    let arguments = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let arguments: Vec<String> = arguments.collect();
    let sizes = arguments.first().map_or("512,2631", String::as_str);
    let evaluations = arguments.get(1).map_or(500, |n| n.parse().unwrap());
    let memory_mib: usize = arguments.get(2).map_or(1024, |n| n.parse().unwrap());
    for size in sizes.split(',') {
        measure(size.parse().unwrap(), evaluations, memory_mib);
    }
}

/// The first measured spectrum, prepared, as an image.
fn image(size: usize) -> Option<Array2<f32>> {
    let mut npz = Npz::open("the bench of explanations", "preprocess.npz")?;
    let vectors = npz.f64("prep_2631");
    let vector: Vec<f64> = vectors.index_axis(Axis(0), 0).iter().copied().collect();
    let imaging = Imaging {
        size,
        ..Imaging::default()
    };
    Some(imaging.image(&vector).unwrap().mapv(|pixel| pixel as f32))
}

/// A head of alternating weights: what it answers does not matter, but it must not be flat.
fn head(features: usize) -> Head {
    let weight = (0..features * CLASSES).map(|i| ((i * 7919 % 201) as f32 - 100.0) / 400.0);
    Head::new(weight.collect(), vec![0.0; CLASSES]).unwrap()
}

fn rectangle(block: &ImageBlock) -> Rectangle {
    Rectangle {
        top: block.rows.start,
        bottom: block.rows.end,
        left: block.columns.start,
        right: block.columns.end,
    }
}

fn rectangles(blocks: &[ImageBlock]) -> Vec<Rectangle> {
    blocks.iter().map(rectangle).collect()
}

struct Explained<'a> {
    features: MaskedFeatures<'a>,
    head: Head,
    masker: &'a ImageMasker,
    whole: Session,
    times: Vec<Duration>,
    whole_times: Vec<Duration>,
    whole_processor: Duration,
    worst: f32,
    largest: f32,
}

impl Explained<'_> {
    /// Runs the whole network on a mask and compares its features.
    fn compare(&mut self, blocks: &[ImageBlock], features: &[f32]) {
        let image = self.masker.masked(blocks).unwrap();
        let image = image.index_axis(Axis(2), 0).insert_axis(Axis(0)).into_dyn();
        let (start, processor) = (Instant::now(), processor_time());
        let expected = self.whole.run(image, &["features"]).unwrap();
        self.whole_times.push(start.elapsed());
        self.whole_processor += processor_time().saturating_sub(processor);
        for (actual, expected) in features.iter().zip(&expected[0]) {
            self.worst = self.worst.max((actual - expected).abs());
            self.largest = self.largest.max(expected.abs());
        }
    }
}

impl Game<ImageBlock> for Explained<'_> {
    fn evaluate(&mut self, queries: &[Query<ImageBlock>]) -> Result<Array2<f64>, ShapError> {
        let mut outputs = Vec::new();
        for query in queries {
            let near = query.between.clone().unwrap_or_default();
            let mask = Mask {
                shown: rectangles(&query.present),
                near: [rectangles(&near.0), rectangles(&near.1)],
            };
            let start = Instant::now();
            let features = self.features.features(&mask).map_err(ShapError::game)?;
            self.times.push(start.elapsed());
            let logits = self.head.logits(&features).map_err(ShapError::game)?;
            outputs.extend(logits.into_iter().map(f64::from));
            if self.times.len() % WHOLE_EVERY == 3 {
                self.compare(&query.present, &features);
            }
        }
        Ok(Array2::from_shape_vec((queries.len(), CLASSES), outputs).unwrap())
    }
}

/// Processor time of all threads so far, in hundredths of a second, from Linux; zero elsewhere.
fn processor_time() -> Duration {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = status.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn whole_network(graph: &Graph, weights: &assay_network::Weights) -> Session {
    let options = ExportOptions {
        outputs: vec![Landmark::Features],
        ..ExportOptions::default()
    };
    let part = graph.cut(Landmark::Image, Landmark::Features).unwrap();
    let model = export_onnx(&part, weights, &options).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    Session::from_bytes(runtime, &model, &SessionOptions::default()).unwrap()
}

fn measure(size: usize, max_evals: usize, memory_mib: usize) {
    let Some(image) = image(size) else { return };
    let Some(dir) = std::env::var_os("OPENASSAY_BASES_DIR") else {
        println!("SKIPPED: OPENASSAY_BASES_DIR is not set, so there are no weights to run");
        return;
    };
    let base = bases::load(BASE, &PathBuf::from(dir)).unwrap();
    let spec = HeadSpec {
        classes: CLASSES,
        dropout: 0.0,
    };
    let graph: assay_network::Base = BASE.parse().unwrap();
    let graph = catalogue::attach_head(&graph.graph(Some(size)), spec).unwrap();
    let runtime = OnnxRuntime::load(None).unwrap();
    let options = MaskedOptions {
        memory_bytes: memory_mib << 20,
        ..MaskedOptions::default()
    };
    let network = MaskedNetwork::new(runtime, &graph, &base.weights, None, &options).unwrap();
    let kernel = BlurKernel::square((size / BLUR).max(2));
    let masker = ImageMasker::blurred(image.view().insert_axis(Axis(2)), kernel).unwrap();
    let (shown, hidden) = (
        masker.shown().index_axis(Axis(2), 0),
        masker.hidden().index_axis(Axis(2), 0),
    );

    let (start, processor) = (Instant::now(), processor_time());
    let features = network.images(shown, hidden).unwrap();
    let both_images = start.elapsed();
    let both_images_processor = processor_time().saturating_sub(processor);
    let mut game = Explained {
        features,
        head: head(base.descriptor.channels),
        masker: &masker,
        whole: whole_network(&graph, &base.weights),
        times: Vec::new(),
        whole_times: Vec::new(),
        whole_processor: Duration::ZERO,
        worst: 0.0,
        largest: 0.0,
    };
    // The first run also takes its memory from the system, as the images above did.
    game.compare(&[], &[]);
    game.whole_times.clear();
    game.whole_processor = Duration::ZERO;
    let (start, processor) = (Instant::now(), processor_time());
    let settings = OwenSettings {
        max_evals,
        outputs: Outputs::Highest(3),
        ..OwenSettings::default()
    };
    let partition = masker.partition();
    let mut owen = Owen::start(partition, &mut game, settings).unwrap();
    let mut watch = |_: &Owen<ImageBlock>| ControlFlow::Continue(());
    owen.run(partition, &mut game, &mut watch).unwrap();
    let compared: Duration = game.whole_times.iter().sum();
    let reusing = both_images + start.elapsed().saturating_sub(compared);
    let spent = processor_time().saturating_sub(processor);
    let processor = both_images_processor + spent.saturating_sub(game.whole_processor);
    let work = game.features.work().unwrap();
    let rows = owen.progress().rows;
    owen.finish(partition).unwrap();
    let runs = game.whole_times.len();
    let whole = median(game.whole_times);
    let whole_processor = game.whole_processor.as_secs_f64() / runs as f64;
    let expected = whole * u32::try_from(rows).unwrap();
    let line = serde_json::json!({
        "bench": "shap",
        "base": BASE,
        "size": size,
        "memory_mib": memory_mib,
        "rows": rows,
        "both_images_s": both_images.as_secs_f64(),
        "explanation_s": reusing.as_secs_f64(),
        "median_mask_s": median(game.times).as_secs_f64(),
        "whole_network_median_s": whole.as_secs_f64(),
        "whole_network_runs": runs,
        "whole_network_rows_s": expected.as_secs_f64(),
        "times_faster": expected.as_secs_f64() / reusing.as_secs_f64(),
        "explanation_processor_s": processor.as_secs_f64(),
        "whole_network_mean_processor_s": whole_processor,
        "times_less_processor_time": whole_processor * rows as f64 / processor.as_secs_f64(),
        "part_of_the_multiplications": work.done / work.whole,
        "worst_difference_of_features": game.worst,
        "largest_feature": game.largest,
    });
    println!("{line}");
}

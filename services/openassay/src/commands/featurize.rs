//! `openassay featurize`: what a model or a base sees in spectra, as numbers.

use crate::{
    context::Context,
    failure::{Failure, Result},
    file, judgement,
    options::{
        BasesOption, ForeignOptions, JsonFile, JsonTarget, ModelKind, ModelOptions, RecipeOptions,
    },
};
use assay_core::{ClassLabel, Digest, ErrorKind};
use assay_gramian::{Imaging, Rendering, render_png};
use assay_infer::{FeatureExtractor, OnnxRuntime};
use assay_pipeline::{Bundle, Dataset, DatasetRow, Manifest, ModelSpec, Role, build_graph};
use assay_spectrum::Recipe;
use clap::Args;
use ndarray::{Array2, ArrayView2};
use ndarray_npy::NpzWriter;
use serde::Serialize;
use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  openassay featurize --bundle model --manifest all.csv --out features.npz
  openassay featurize --base efficientnet-lite0 --image-size 224 --out features.csv *.SPE
  openassay featurize --base efficientnet-lite0 --images pictures --out features.csv a.SPE

.npz has the arrays features [n, F] and, with --inputs, inputs [n, bins], both float32, in the
order of the manifest or of the files; --json lists the rows. .csv names file, label, role and
group in each line.";

/// Compute the features that a model or base sees in spectra
///
/// Features are the values in front of the last layer, after global average pooling. The gate
/// works on them, and other programs may: clustering, plots, other classifiers.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Featurize {
    /// Take network and preprocessing from a model bundle
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,

    /// Spectra with labels
    #[arg(
        long,
        value_name = "FILE.csv",
        conflicts_with = "files",
        required_unless_present = "files"
    )]
    manifest: Option<PathBuf>,

    /// Spectra without labels
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// File to write: .npz or .csv
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Write the input vectors too (.npz only)
    #[arg(long)]
    inputs: bool,

    /// Folder for a picture of every spectrum's image, for people to look at
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,

    #[command(flatten)]
    model: ModelOptions,

    #[command(flatten)]
    bases: BasesOption,

    #[command(flatten)]
    foreign: ForeignOptions,

    #[command(flatten)]
    recipe: RecipeOptions,

    #[command(flatten)]
    json: JsonFile,
}

/// What was computed, without the numbers.
#[derive(Debug, Serialize)]
struct Outcome {
    file: PathBuf,
    n: usize,
    features: usize,
    engine: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    file: String,
    label: Option<String>,
    role: Option<Role>,
    group: Option<String>,
    spectrum: Digest,
}

/// A network made ready, and what goes before it.
struct Eye {
    extractor: FeatureExtractor,
    recipe: Recipe,
    imaging: Option<Imaging>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Npz,
    Csv,
}

impl Featurize {
    pub(crate) fn run(&self, context: &Context) -> Result {
        let form = self.form()?;
        file::check_writable(&self.out)?;
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        let eye = self.open(context)?;
        let dataset = self.load(context)?;
        judgement::tell(context, &dataset.warnings());
        let (rows, vectors) = in_given_order(&dataset, &eye.recipe)?;
        let features = context.watched("computing features", |watch| {
            eye.extractor.extract(vectors.view(), watch)
        })?;
        if let Some(folder) = &self.images {
            self.write_images(&eye, &rows, vectors.view(), folder)?;
        }
        let bytes = match form {
            Form::Npz => npz(&features, self.inputs.then_some(&vectors))?,
            Form::Csv => csv(&rows, features.view()).into_bytes(),
        };
        file::write(&self.out, &bytes)?;
        let outcome = Outcome {
            file: self.out.clone(),
            n: rows.len(),
            features: features.ncols(),
            engine: eye.extractor.engine().to_string(),
            rows: rows.iter().map(|row| self.row(row)).collect(),
        };
        context.answer(self.json.json.as_ref(), &outcome, || {
            format!(
                "{} spectra, {} features each: {}\n",
                outcome.n,
                outcome.features,
                outcome.file.display()
            )
        })
    }

    fn form(&self) -> Result<Form> {
        match self.out.extension().and_then(|ending| ending.to_str()) {
            Some("npz") => Ok(Form::Npz),
            Some("csv") if self.inputs => {
                Err(Failure::usage("--inputs needs an --out that ends in .npz"))
            }
            Some("csv") => Ok(Form::Csv),
            _ => Err(Failure::usage(format!(
                "--out {} must end in .npz or .csv",
                self.out.display()
            ))),
        }
    }

    fn open(&self, context: &Context) -> Result<Eye> {
        let runtime = OnnxRuntime::load(None)?;
        let options = context.session_options();
        if let Some(path) = &self.bundle {
            if self.model.are_given() {
                return Err(Failure::usage(
                    "--bundle says which network; leave --model, --base and their like out",
                ));
            }
            let bundle = Bundle::open(path)?;
            return Ok(Eye {
                extractor: FeatureExtractor::from_model(runtime, bundle.model(), &options)?,
                recipe: bundle.contents().recipe.clone(),
                imaging: bundle.contents().model.imaging().cloned(),
            });
        }
        if self.model.kind() == ModelKind::Cnn1d {
            return Err(Failure::usage(
                "a cnn1d has no features before it is trained; name a --bundle",
            ));
        }
        let recipe = self.recipe.apply(Recipe::default())?;
        let mut model = self.model.apply(ModelSpec::cnn2d(), recipe.bins())?;
        let bases_dir = self.bases.find()?;
        self.foreign.register(self.model.base(), &bases_dir)?;
        if let (ModelSpec::Cnn2d { base, .. }, Some(name)) =
            (&mut model, self.foreign.name(self.model.base()))
        {
            *base = name;
        }
        // The head is cut off again: features lie before it.
        let built = build_graph(&model, recipe.bins(), 1, &bases_dir)?;
        let weights = built.base.map(|base| base.weights).unwrap_or_default();
        let graph = &built.graph;
        Ok(Eye {
            extractor: FeatureExtractor::new(runtime, graph, &weights, built.foreign, &options)?,
            recipe,
            imaging: model.imaging().cloned(),
        })
    }

    fn load(&self, context: &Context) -> Result<Dataset> {
        if let Some(path) = &self.manifest {
            let manifest = Manifest::read(path)?;
            return context
                .watched("reading spectra", |watch| Dataset::load(&manifest, watch))
                .map_err(Failure::from);
        }
        let label = ClassLabel::new("unlabelled")
            .map_err(|error| Failure::new(ErrorKind::Internal, error))?;
        let rows = self
            .files
            .iter()
            .zip(1..)
            .map(|(path, line)| unlabelled(path, line, &label))
            .collect::<Result<Vec<_>>>()?;
        Ok(Dataset::from_rows(Path::new("command line"), rows))
    }

    fn row(&self, row: &DatasetRow) -> Row {
        let labelled = self.manifest.is_some();
        Row {
            file: row.file.clone(),
            label: labelled.then(|| row.label.to_string()),
            role: labelled.then_some(row.role),
            group: labelled.then(|| row.group.clone()),
            spectrum: row.digest,
        }
    }

    fn write_images(
        &self,
        eye: &Eye,
        rows: &[&DatasetRow],
        vectors: ArrayView2<'_, f32>,
        folder: &Path,
    ) -> Result {
        let Some(imaging) = &eye.imaging else {
            return Err(Failure::usage("--images: a cnn1d makes no images"));
        };
        std::fs::create_dir_all(folder).map_err(|error| file::cannot("write", folder, &error))?;
        for (number, (row, vector)) in rows.iter().zip(vectors.outer_iter()).enumerate() {
            let vector: Vec<f64> = vector.iter().copied().map(f64::from).collect();
            let image = imaging.image_f32(&vector)?;
            let picture = render_png(image.view(), &Rendering::default())?;
            let stem = Path::new(&row.file).file_stem().unwrap_or_default();
            let name = format!("{:04}-{}.png", number + 1, stem.to_string_lossy());
            file::write(&folder.join(name), &picture)?;
        }
        Ok(())
    }
}

fn unlabelled(path: &Path, line: u64, label: &ClassLabel) -> Result<DatasetRow> {
    let bytes = file::read_spectrum(path)?;
    let name = path.display().to_string();
    let reading = assay_formats::read(&bytes, Some(&name))
        .map_err(|error| Failure::from(error).while_doing(&name))?;
    Ok(DatasetRow {
        line,
        file: name,
        label: label.clone(),
        role: Role::Unknown,
        group: String::new(),
        digest: Digest::of(&bytes),
        spectrum: reading.spectrum,
        warnings: reading.warnings,
        further_records: reading.further_records,
    })
}

/// A data set has an order of its own; users expect theirs.
fn in_given_order<'a>(
    dataset: &'a Dataset,
    recipe: &Recipe,
) -> Result<(Vec<&'a DatasetRow>, Array2<f32>)> {
    let vectors = dataset.vectors(recipe)?;
    let mut order: Vec<usize> = (0..dataset.rows().len()).collect();
    order.sort_by_key(|&position| dataset.rows()[position].line);
    let rows = order
        .iter()
        .map(|&position| &dataset.rows()[position])
        .collect();
    Ok((rows, vectors.select(ndarray::Axis(0), &order)))
}

fn npz(features: &Array2<f32>, inputs: Option<&Array2<f32>>) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            ErrorKind::Internal,
            format!("cannot make the .npz file: {error}"),
        )
    };
    let mut writer = NpzWriter::new_compressed(Cursor::new(Vec::new()));
    writer
        .add_array("features", features)
        .map_err(|e| failed(&e))?;
    if let Some(inputs) = inputs {
        writer.add_array("inputs", inputs).map_err(|e| failed(&e))?;
    }
    let cursor = writer.finish().map_err(|e| failed(&e))?;
    Ok(cursor.into_inner())
}

fn csv(rows: &[&DatasetRow], features: ArrayView2<'_, f32>) -> String {
    let mut text = "file,label,role,group".to_owned();
    for column in 0..features.ncols() {
        text += &format!(",f{column}");
    }
    text.push('\n');
    for (row, values) in rows.iter().zip(features.outer_iter()) {
        let fields = [&row.file, row.label.as_str(), row.role.as_str(), &row.group];
        let quoted: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        text += &quoted.join(",");
        for value in values {
            text += &format!(",{value}");
        }
        text.push('\n');
    }
    text
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

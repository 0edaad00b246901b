//! From data sets to input vectors with class indices, copies included.

use crate::{
    augment::variations,
    error::{Result, TrainError},
};
use assay_core::ClassLabel;
use assay_pipeline::{Dataset, PipelineError, Role};
use assay_spectrum::Recipe;
use assay_training_spec::Augmentation;
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use std::collections::BTreeMap;

/// The rows that a run works with.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Known classes; the position is the class index.
    pub(crate) classes: Vec<ClassLabel>,
    /// Positions of the known spectra in the data set.
    pub(crate) known: Vec<usize>,
    /// Positions of the known unknowns in the data set.
    pub(crate) unknown: Vec<usize>,
    /// Class of every training row: the known spectra, then their copies, copy by copy.
    pub(crate) class_of: Vec<usize>,
    /// Class of every known unknown, counted on its own.
    pub(crate) unknown_class_of: Vec<usize>,
    /// Input vectors of the training rows.
    pub(crate) training: Array2<f32>,
    /// Input vectors of the known unknowns.
    pub(crate) unknown_vectors: Array2<f32>,
    /// Rows of the validation data set.
    pub(crate) validation: Option<ValidationRows>,
}

/// All rows of a validation data set.
#[derive(Debug)]
pub(crate) struct ValidationRows {
    /// Input vectors of all its rows.
    pub(crate) vectors: Array2<f32>,
    /// Positions of its known rows.
    pub(crate) known: Vec<usize>,
    /// Class of each of these.
    pub(crate) class_of: Vec<usize>,
}

impl Rows {
    /// Checks the classes and preprocesses every spectrum.
    pub(crate) fn new(
        dataset: &Dataset,
        validation: Option<&Dataset>,
        recipe: &Recipe,
        augmentation: &Augmentation,
        seed: u64,
    ) -> Result<Self> {
        let classes = dataset.classes().to_vec();
        let known = dataset.positions(Role::Known);
        let unknown = dataset.positions(Role::Unknown);
        let class_of_known = class_indices(dataset, &known, &classes)?;
        check_members(&classes, &class_of_known)?;
        let copies = augmentation.copies() + 1;
        Ok(Self {
            training: vectors_with_copies(dataset, &known, recipe, augmentation, seed)?,
            unknown_vectors: vectors_with_copies(
                dataset,
                &unknown,
                recipe,
                &Augmentation::default(),
                seed,
            )?,
            class_of: class_of_known.repeat(copies),
            unknown_class_of: own_indices(dataset, &unknown),
            validation: validation
                .map(|dataset| ValidationRows::new(dataset, &classes, recipe))
                .transpose()?,
            classes,
            known,
            unknown,
        })
    }

    /// Training rows of some known spectra, given by their position among the known.
    pub(crate) fn with_copies(&self, known: &[usize]) -> Vec<usize> {
        let step = self.known.len().max(1);
        (0..self.class_of.len() / step)
            .flat_map(|copy| known.iter().map(move |position| copy * step + position))
            .collect()
    }
}

impl ValidationRows {
    fn new(dataset: &Dataset, classes: &[ClassLabel], recipe: &Recipe) -> Result<Self> {
        let known = dataset.positions(Role::Known);
        let unknown = dataset.positions(Role::Unknown);
        for &row in &unknown {
            if classes.binary_search(&dataset.rows()[row].label).is_ok() {
                return Err(mismatch(
                    dataset,
                    row,
                    classes,
                    "has role unknown, but is a class of the training data",
                ));
            }
        }
        Ok(Self {
            vectors: dataset.vectors(recipe)?,
            class_of: class_indices(dataset, &known, classes)?,
            known,
        })
    }
}

/// Class of every row in a list of classes.
///
/// # Errors
/// Names the first row whose label is not among them.
pub(crate) fn class_indices(
    dataset: &Dataset,
    rows: &[usize],
    classes: &[ClassLabel],
) -> Result<Vec<usize>> {
    rows.iter()
        .map(|&row| {
            classes
                .binary_search(&dataset.rows()[row].label)
                .map_err(|_| {
                    let problem = "has role known, but is no class of the training data";
                    mismatch(dataset, row, classes, problem)
                })
        })
        .collect()
}

fn mismatch(
    dataset: &Dataset,
    row: usize,
    classes: &[ClassLabel],
    problem: &'static str,
) -> TrainError {
    let row = &dataset.rows()[row];
    TrainError::Pipeline(PipelineError::LabelMismatch {
        manifest: dataset.source().to_path_buf(),
        line: row.line,
        label: row.label.to_string(),
        problem,
        known: classes.iter().map(ClassLabel::to_string).collect(),
    })
}

/// Labels of rows as indices of their own.
fn own_indices(dataset: &Dataset, rows: &[usize]) -> Vec<usize> {
    let mut indices: BTreeMap<&ClassLabel, usize> = rows
        .iter()
        .map(|&row| (&dataset.rows()[row].label, 0))
        .collect();
    for (index, value) in indices.values_mut().enumerate() {
        *value = index;
    }
    rows.iter()
        .filter_map(|&row| indices.get(&dataset.rows()[row].label).copied())
        .collect()
}

/// At least two classes with at least two spectra each: one to learn from, one to judge by.
pub(crate) fn check_members(classes: &[ClassLabel], class_of: &[usize]) -> Result<()> {
    let purpose = "training";
    if classes.len() < 2 {
        return Err(TrainError::Pipeline(PipelineError::TooFewClasses {
            found: classes.len(),
            needed: 2,
            purpose,
        }));
    }
    for (class, label) in classes.iter().enumerate() {
        let members = class_of.iter().filter(|&&of| of == class).count();
        if members < 2 {
            return Err(TrainError::Pipeline(PipelineError::ClassTooSmall {
                label: label.to_string(),
                members,
                needed: 2,
                purpose,
            }));
        }
    }
    Ok(())
}

/// Input vectors of some rows of a data set, then of their copies, copy by copy.
///
/// # Errors
/// With every spectrum that cannot be preprocessed.
pub(crate) fn vectors_with_copies(
    dataset: &Dataset,
    rows: &[usize],
    recipe: &Recipe,
    augmentation: &Augmentation,
    seed: u64,
) -> Result<Array2<f32>> {
    let rows = rows.iter().map(|&row| dataset.rows()[row].clone());
    // A subset of rows in canonical order keeps that order.
    let part = Dataset::from_rows(dataset.source(), rows.collect());
    let mut parts = vec![part.vectors(recipe)?];
    for copy in variations(augmentation) {
        parts.push(part.vectors_of(recipe, |row| copy.of(row, seed))?);
    }
    let views: Vec<ArrayView2<'_, f32>> = parts.iter().map(|part| part.view()).collect();
    concatenate(Axis(0), &views).map_err(|_| TrainError::Defect("input vectors differ in length"))
}

/// The same numbers in double precision.
pub(crate) fn wide(values: ArrayView2<'_, f32>) -> Array2<f64> {
    values.mapv(f64::from)
}

//! `openassay describe`: layers, sizes, imaging and gate of a model.

use crate::{
    context::Context,
    failure::{Failure, Result},
    options::{JsonFlag, JsonTarget, ModelKind, ModelOptions, RecipeOptions},
    terminal::{Align, Table, number},
};
use assay_network::{
    Base, Graph, HeadSpec, ImageLayer, LayerSummary, Totals, Trained as TrainedPart, Tutorial1d,
    catalogue::image_classifier, summary, totals,
};
use assay_pipeline::{Bundle, BundleContents, ModelSpec};
use assay_reporting::words;
use assay_spectrum::Recipe;
use clap::Args;
use serde::Serialize;
use std::{num::NonZeroUsize, path::PathBuf};

const EXAMPLES: &str = "\
Examples:
  openassay describe --bundle model
  openassay describe --model cnn2d --base efficientnet-lite0 --image-size 2631
  openassay describe --model cnn1d --variant gap --classes 13 --json";

/// Show the layers, sizes, imaging and gate of a model
///
/// Either of a trained model, or of a network that could be trained.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Describe {
    /// Trained model
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,

    /// Number of classes of a network that is not trained yet
    #[arg(
        long,
        value_name = "N",
        default_value = "10",
        conflicts_with = "bundle"
    )]
    classes: NonZeroUsize,

    #[command(flatten)]
    model: ModelOptions,

    #[command(flatten)]
    recipe: RecipeOptions,

    #[command(flatten)]
    json: JsonFlag,
}

#[derive(Debug, Serialize)]
struct Description {
    model: ModelSpec,
    classes: usize,
    recipe: Recipe,
    /// None for a base from a foreign file, whose layers only its file knows.
    layers: Option<Vec<LayerSummary>>,
    totals: Option<Totals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<Trained>,
}

#[derive(Debug, Serialize)]
struct Trained {
    id: String,
    #[serde(flatten)]
    contents: BundleContents,
}

impl Describe {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        let description = match &self.bundle {
            Some(path) => {
                if self.model.are_given() {
                    return Err(Failure::usage(
                        "--bundle says which network; leave --model, --base and their like out",
                    ));
                }
                let bundle = Bundle::open(path)?;
                let contents = bundle.contents().clone();
                let classes = contents.classes.len();
                let whole = contents.training.settings["fine_tune"] == true;
                let trained = trained_part(&contents.model, whole);
                let recipe = contents.recipe.clone();
                let mut description = describe(contents.model.clone(), recipe, classes, trained)?;
                description.bundle = Some(Trained {
                    id: bundle.id().to_string(),
                    contents,
                });
                description
            }
            None => {
                let recipe = self.recipe.apply(Recipe::default())?;
                let start = match self.model.kind() {
                    ModelKind::Cnn1d => ModelSpec::cnn1d(),
                    ModelKind::Cnn2d => ModelSpec::cnn2d(),
                };
                let model = self.model.apply(start, recipe.bins())?;
                let trained = trained_part(&model, false);
                describe(model, recipe, self.classes.get(), trained)?
            }
        };
        context.answer(self.json.json.as_ref(), &description, || {
            description.for_people()
        })
    }
}

/// Everything is trained where there is no base, or where the base was fine-tuned.
const fn trained_part(model: &ModelSpec, fine_tuned: bool) -> TrainedPart {
    match model {
        ModelSpec::Cnn2d { .. } if !fine_tuned => TrainedPart::HeadOnly,
        _ => TrainedPart::Everything,
    }
}

fn describe(
    model: ModelSpec,
    recipe: Recipe,
    classes: usize,
    trained: TrainedPart,
) -> Result<Description> {
    let layers = graph(&model, recipe.bins(), classes)?
        .map(|graph| summary(&graph, trained))
        .transpose()?;
    let totals = layers.as_deref().map(totals);
    Ok(Description {
        model,
        classes,
        recipe,
        layers,
        totals,
        bundle: None,
    })
}

/// The graph of a network; `None` where its base is not one of the catalogue.
fn graph(model: &ModelSpec, bins: usize, classes: usize) -> Result<Option<Graph>> {
    match model {
        ModelSpec::Cnn1d {
            variant,
            activation,
            dropout,
        } => {
            let head = HeadSpec {
                classes,
                dropout: *dropout,
            };
            let network = Tutorial1d {
                variant: *variant,
                activation: *activation,
                bins,
                head,
            };
            Ok(Some(network.graph()?))
        }
        ModelSpec::Cnn2d {
            base,
            imaging,
            dropout,
        } => {
            let Ok(base) = base.parse::<Base>() else {
                return Ok(None);
            };
            let layer = ImageLayer {
                imaging: imaging.clone(),
                bins,
            };
            let head = HeadSpec {
                classes,
                dropout: *dropout,
            };
            let graph = image_classifier(layer, &base.graph(Some(imaging.size)), head)?;
            Ok(Some(graph))
        }
    }
}

impl Description {
    fn for_people(&self) -> String {
        let mut text = String::new();
        match (&self.layers, &self.totals) {
            (Some(layers), Some(totals)) => {
                text += &layer_table(layers);
                text += &format!(
                    "\nparameters  {} in total, {} trained\n",
                    grouped(totals.parameters),
                    grouped(totals.trainable)
                );
            }
            _ => text += "The layers of a base from an ONNX file are listed in that file only.\n",
        }
        text += &self.input();
        if let Some(trained) = &self.bundle {
            text += &trained.for_people();
        }
        text
    }

    fn input(&self) -> String {
        let (lo_kev, hi_kev) = self.recipe.energy_range_kev();
        let mut text = format!(
            "input       {} bins of {:.3} keV, {lo_kev:.0} to {hi_kev:.0} keV; logarithm of the \
             share of counts\n",
            self.recipe.bins(),
            self.recipe.grid.bin_width_kev()
        );
        if let Some(imaging) = self.model.imaging() {
            let pixel_kev =
                self.recipe.bins() as f64 / imaging.size as f64 * self.recipe.grid.bin_width_kev();
            text += &format!(
                "image       Gramian angular {} field, {} × {} pixels of about {pixel_kev:.1} keV{}\n",
                words::field(imaging.field),
                imaging.size,
                imaging.size,
                if imaging.overlapping {
                    ", overlapping segments"
                } else {
                    ""
                }
            );
        }
        text
    }
}

impl Trained {
    fn for_people(&self) -> String {
        let contents = &self.contents;
        let mut text = String::new();
        if let Some(base) = &contents.base {
            text += &format!("base        {} ({})\n", base.name, base.licence);
        }
        let gate = &contents.gate;
        text += &format!(
            "gate        {}; accepted at {} or above; alpha {}\n            threshold: {}; n = {}\n",
            words::detector(&gate.detector),
            number(gate.threshold),
            gate.alpha,
            words::threshold_rule(&gate.rule),
            gate.n
        );
        let spectra: usize = contents.training.spectra.values().sum();
        text += &format!(
            "training    {spectra} spectra of {} classes, data {}\n",
            contents.classes.len(),
            contents.training.data.short()
        );
        text += &format!("bundle      {}\n\n", self.id);
        let mut table = Table::new([("class", Align::Left), ("training spectra", Align::Right)]);
        for label in &contents.classes {
            let count = contents.training.spectra.get(label).copied().unwrap_or(0);
            table.row([label.to_string(), count.to_string()]);
        }
        text + &table.render()
    }
}

fn layer_table(layers: &[LayerSummary]) -> String {
    let mut table = Table::new([
        ("layer", Align::Left),
        ("kind", Align::Left),
        ("output", Align::Left),
        ("parameters", Align::Right),
        ("trained", Align::Right),
    ]);
    for layer in layers {
        let shape: Vec<String> = layer
            .output_shape
            .iter()
            .map(|extent| extent.map_or_else(|| "?".to_owned(), |e| e.to_string()))
            .collect();
        table.row([
            layer.name.clone(),
            layer.kind.clone(),
            format!("[{}]", shape.join(", ")),
            grouped(layer.parameters),
            grouped(layer.trainable),
        ]);
    }
    table.render()
}

/// A count with separators of thousands.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (592_794, "592,794"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }
}

//! `openassay verify-explanations`: what a model says decided, against the lines that simulated
//! spectra really have.

mod table;
mod truth;

use crate::{
    clock,
    context::Context,
    failure::{Failure, Result},
    file,
    options::{JsonFile, JsonTarget},
};
use assay_core::{ClassLabel, Digest, ErrorKind};
use assay_explain::truth::{
    Case, Distinguishing, SpectrumScore, Summary, TrueLine, TruthSettings, score, summarise,
};
use assay_infer::Watch;
use assay_pipeline::{Identifier, IdentifierOptions};
use assay_simulate::Truth;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay simulate --out fresh --known 3 --unknown 0 --seed 2
  openassay verify-explanations --bundle model --spectra fresh
  openassay verify-explanations --bundle model --spectra fresh --per-class 1 --json scores.json

The truth: peaks of the sample, of elements whose share of the counts is in the class at least
--factor times that of the average other class. Peaks are put in order by what the class loses
without each, by hiding a window around each, by area, and by chance; a class activation map is
asked how much of its positive importance stands in cells with such lines. Simulate with another
seed than the training, so that the model has not seen the spectra.";

/// Score explanations against the true lines of simulated spectra
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyExplanations {
    /// Model bundle
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,

    /// Folder that `openassay simulate` wrote
    #[arg(long, value_name = "DIR")]
    spectra: PathBuf,

    /// Most spectra of each class, the first ones, whose lots take turns
    #[arg(long, value_name = "N", default_value_t = 3)]
    per_class: usize,

    /// How many times the share of the average other class makes an element distinguish a class
    #[arg(long, value_name = "RATIO", default_value_t = 2.0)]
    factor: f64,

    /// Most peaks that are taken out, the most significant ones first
    #[arg(long, value_name = "N",
          default_value_t = TruthSettings::default().evidence.most_tested)]
    most_peaks: usize,

    /// Most steps of the curves
    #[arg(long, value_name = "N", default_value_t = TruthSettings::default().steps)]
    steps: usize,

    /// Random orders per spectrum
    #[arg(long, value_name = "N", default_value_t = TruthSettings::default().draws)]
    draws: usize,

    /// Width of the window that the occlusion hides around a peak
    #[arg(long, value_name = "KEV", default_value_t = TruthSettings::default().window_kev)]
    window: f64,

    /// Seed of the random orders
    #[arg(long, value_name = "N", default_value_t = TruthSettings::default().seed)]
    seed: u64,

    #[command(flatten)]
    json: JsonFile,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Outcome {
    bundle: Digest,
    simulation_seed: u64,
    factor: f64,
    settings: TruthSettings,
    summary: Summary,
    classes: Vec<ClassOutcome>,
    spectra: Vec<Scored>,
}

#[derive(Debug, Serialize)]
struct ClassOutcome {
    class: ClassLabel,
    /// Elements of its samples that distinguish it.
    elements: Vec<String>,
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct Scored {
    file: String,
    #[serde(flatten)]
    score: SpectrumScore,
}

impl VerifyExplanations {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        let settings = self.settings()?;
        let options = IdentifierOptions {
            session: context.session_options(),
            clock: Some(clock::since_start),
            ..IdentifierOptions::default()
        };
        let identifier = Identifier::open(&self.bundle, &options)?;
        let classes = &identifier.bundle().contents().classes;
        let truth = truth::read(&self.spectra)?;
        let distinguishing = Distinguishing::of(&truth::shares(&truth, classes), self.factor)?;
        let chosen = truth::chosen(&truth, classes, self.per_class);
        let spectra = context.watched("explaining spectra", |watch| {
            let mut scored = Vec::with_capacity(chosen.len());
            for (done, &(class, spectrum)) in chosen.iter().enumerate() {
                if watch.is_cancelled() {
                    return Err(Failure::new(ErrorKind::Cancelled, "interrupted"));
                }
                let lines = truth::lines(spectrum, &distinguishing);
                let place = (class, done as u64);
                let score = self.score(&identifier, &spectrum.file, place, &lines, &settings)?;
                scored.push(Scored {
                    file: spectrum.file.clone(),
                    score,
                });
                watch.report(done + 1, chosen.len());
            }
            Ok(scored)
        })?;
        let outcome = Outcome {
            bundle: identifier.bundle().id(),
            simulation_seed: truth.spec.seed,
            factor: self.factor,
            settings,
            summary: summarise(spectra.iter().map(|s| &s.score)),
            classes: by_class(&truth, classes, &distinguishing, &spectra),
            spectra,
        };
        context.answer(self.json.json.as_ref(), &outcome, || {
            table::render(&outcome)
        })
    }

    fn settings(&self) -> Result<TruthSettings> {
        if self.per_class == 0 {
            return Err(Failure::usage("--per-class is 0; allowed: 1 or more"));
        }
        let mut settings = TruthSettings {
            steps: self.steps,
            draws: self.draws,
            window_kev: self.window,
            seed: self.seed,
            ..TruthSettings::default()
        };
        settings.evidence.most_tested = self.most_peaks;
        settings.check()?;
        Ok(settings)
    }

    /// Explains one spectrum, the class being the true one, and scores it.
    fn score(
        &self,
        identifier: &Identifier,
        name: &str,
        (class, number): (usize, u64),
        lines: &[TrueLine],
        settings: &TruthSettings,
    ) -> Result<SpectrumScore> {
        let judge = identifier.judge();
        let prepared = judge.prepare(&file::read_spectrum(&self.spectra.join(name))?, name)?;
        let mapped = if identifier.extractor().has_map() {
            Some(identifier.extract_with_map(&prepared)?.0)
        } else {
            None
        };
        let case = Case {
            prepared: &prepared,
            mapped: mapped.as_ref(),
            class,
            lines,
            number,
        };
        let scored = score(judge, &case, settings, |vectors| {
            identifier.features(vectors, &Watch::none())
        });
        scored.map_err(|error| Failure::from(error).while_doing(name))
    }
}

/// The classes of which spectra were scored.
fn by_class(
    truth: &Truth,
    classes: &[ClassLabel],
    distinguishing: &Distinguishing,
    spectra: &[Scored],
) -> Vec<ClassOutcome> {
    let of = |class: &ClassLabel| ClassOutcome {
        class: class.clone(),
        elements: distinguishing
            .elements(class)
            .filter(|element| truth::in_sample(truth, class, element))
            .map(str::to_owned)
            .collect(),
        summary: summarise(
            spectra
                .iter()
                .map(|s| &s.score)
                .filter(|score| score.class == *class),
        ),
    };
    let all = classes.iter().map(of);
    all.filter(|class| class.summary.spectra > 0).collect()
}

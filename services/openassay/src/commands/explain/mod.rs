//! `openassay explain`: why one spectrum got its answer, as a table, a page and figures.

mod options;
mod output;
mod shapley;
mod table;

use crate::{
    clock,
    context::Context,
    failure::{Failure, Result},
    file,
    options::{JsonFlag, JsonTarget},
};
use assay_explain::{
    CamSettings, ClassMap, EvidencePlan, ExplainError, ExplanationMethod, Importances,
    PeakEvidence, class_map, map_importances,
};
use assay_pipeline::{Answer, Identifier, IdentifierOptions, Judge, Prepared};
use assay_report::explanation::Explanation;
use assay_reporting::explanation::{Activation, ExplanationParts, ShapleyParts, explanation};
use clap::Args;
use options::ExplainOptions;
use output::Output;
use shapley::Shapley;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay explain sample.SPE --bundle model -o report.html
  openassay explain sample.SPE --bundle model --class Coal --style grad --no-peaks
  openassay explain sample.SPE --bundle model --method shap --max-evals 1000 -o report.html
  openassay explain sample.SPE --bundle model --method shap --hidden training-mean
  openassay explain sample.SPE --bundle model --method shap --over image --top 4 -o report.html
  openassay explain sample.SPE --bundle model --figure spectrum.png --csv tables

A class activation map shows regions: one of its cells is as wide as the page says. What a single
peak is worth is measured: the peak is replaced by the continuum beneath it, and the spectrum goes
the whole way again. \"logit -3.1\" means that without the peak the class would stand 3.1 lower.";

/// Show why one spectrum got its answer
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    /// The spectrum (.SPE, .CSV, .CHN or .N42); "-" reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Model bundle
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,

    #[command(flatten)]
    options: ExplainOptions,

    #[command(flatten)]
    output: Output,

    #[command(flatten)]
    json: JsonFlag,
}

/// Everything that was found out.
struct Found {
    answer: Answer,
    logits: Vec<f32>,
    class: usize,
    activation: Option<(CamSettings, ClassMap, Importances)>,
    peaks: Option<PeakEvidence>,
    shapley: Option<Shapley>,
}

impl Explain {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        self.output.check()?;
        let settings = self.options.settings()?;
        let options = IdentifierOptions {
            session: context.session_options(),
            clock: Some(clock::since_start),
            ..IdentifierOptions::default()
        };
        let identifier = Identifier::open(&self.bundle, &options)?;
        let model = &identifier.bundle().contents().model;
        self.output.check_model(model.imaging().is_some())?;
        let name = self.file.display().to_string();
        let bytes = file::read_spectrum(&self.file)?;
        let prepared = identifier.judge().prepare(&bytes, &name)?;
        let found = find(context, &identifier, &prepared, &settings)?;
        for warning in &found.answer.warnings {
            let warning = format!("{name}: {}", warning.message);
            context.progress.warn(&warning);
        }
        // A page is sent around; where the file lay here is nobody's business.
        let file = self.file.file_name();
        let file = file.map_or_else(|| name.clone(), |file| file.to_string_lossy().into_owned());
        let explanation = found.content(identifier.judge(), &prepared, &file)?;
        self.output.write(context, &explanation)?;
        context.answer(self.json.json.as_ref(), &explanation, || {
            table::render(&found, identifier.judge())
        })
    }
}

/// Answers, and finds out why.
fn find(
    context: &Context,
    identifier: &Identifier,
    prepared: &Prepared,
    settings: &options::Settings,
) -> Result<Found> {
    let judge = identifier.judge();
    let spec = &settings.spec;
    let class = settings.class(judge)?;
    if spec.method == ExplanationMethod::Cam && !identifier.extractor().has_map() {
        let failure = Failure::from(ExplainError::NoMap);
        return Err(failure.while_doing("--method cam"));
    }
    if spec.method == ExplanationMethod::Shap {
        spec.shap.check_for(judge.bundle())?;
    }
    let (features, mapped, features_s) = if identifier.extractor().has_map() {
        let (mapped, features_s) = identifier.extract_with_map(prepared)?;
        (mapped.features.clone(), Some(mapped), features_s)
    } else {
        let (features, features_s) = identifier.extract(prepared)?;
        (features, None, features_s)
    };
    let answer = judge.conclude(prepared, &features, features_s)?;
    let decision = judge.decide(&features)?;
    let class = class.unwrap_or(decision.class);
    let activation = match (spec.method, &mapped) {
        (ExplanationMethod::Cam, Some(mapped)) => {
            let bundle = judge.bundle();
            let map = class_map(bundle, mapped, class, spec.cam.method)?;
            let importances = map_importances(bundle, &map, class, spec.cam.reduction)?;
            Some((spec.cam, map.symmetric()?, importances))
        }
        _ => None,
    };
    let peaks = match &settings.evidence {
        None => None,
        Some(evidence) => {
            let plan = EvidencePlan::new(judge, prepared, evidence)?;
            let title = "taking out peaks";
            let features =
                context.watched(title, |watch| identifier.features(plan.vectors(), watch))?;
            Some(plan.conclude(judge, features.view(), Some(class))?)
        }
    };
    let shapley = match spec.method {
        ExplanationMethod::Cam => None,
        ExplanationMethod::Shap => {
            let subject = (prepared, &*features);
            let asked = (&spec.shap, class);
            Some(shapley::find(context, identifier, subject, asked)?)
        }
    };
    Ok(Found {
        answer,
        logits: decision.logits,
        class,
        activation,
        peaks,
        shapley,
    })
}

impl Found {
    fn content(&self, judge: &Judge, prepared: &Prepared, name: &str) -> Result<Explanation> {
        let (activation, shapley) = (self.activation.as_ref(), self.shapley.as_ref());
        let created = clock::now();
        Ok(explanation(&ExplanationParts {
            judge,
            prepared,
            file: name,
            answer: &self.answer,
            logits: &self.logits,
            class: self.class,
            activation: activation.map(|(settings, map, importances)| Activation {
                settings: *settings,
                map,
                importances,
            }),
            peaks: self.peaks.as_ref(),
            shapley: shapley.map(|found| ShapleyParts {
                method: &found.method,
                values: &found.values,
            }),
            created: Some(&created),
        })?)
    }
}

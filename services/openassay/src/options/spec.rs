//! From options to the specification of a training run: the defaults of the model, or a published
//! way, and on top of these whatever is given.

use super::{
    BasesOption, ForeignOptions, ModelKind, ModelOptions, RecipeOptions,
    gate::{Detector, GateOptions, Search, Threshold},
    training::{Clr, FitOptions, RateOptions, Reproduce},
};
use crate::{
    context::Context,
    failure::{Failure, Result},
};
use assay_pipeline::ModelSpec;
use assay_train::{
    Augmentation, ClrMode, DetectorKind, GainShifts, GateSearch, RateBounds, Reproduction,
    ThresholdKind, TrainingSpec,
};
use clap::Args;

/// All options that decide what a training run gives.
#[derive(Debug, Args)]
pub(crate) struct SpecOptions {
    #[command(flatten)]
    pub(crate) model: ModelOptions,

    #[command(flatten)]
    pub(crate) bases: BasesOption,

    #[command(flatten)]
    pub(crate) foreign: ForeignOptions,

    #[command(flatten)]
    recipe: RecipeOptions,

    #[command(flatten)]
    rates: RateOptions,

    #[command(flatten)]
    fit: FitOptions,

    #[command(flatten)]
    gate: GateOptions,

    /// Take every choice of a published way; options given beside it depart from it
    #[arg(long, value_enum, value_name = "WAY", help_heading = "Training")]
    reproduce: Option<Reproduce>,
}

impl SpecOptions {
    /// The checked specification.
    pub(crate) fn spec(&self, context: &Context) -> Result<TrainingSpec> {
        let mut spec = match self.model.kind() {
            ModelKind::Cnn1d => TrainingSpec::cnn1d(),
            ModelKind::Cnn2d => TrainingSpec::cnn2d(),
        };
        if self.reproduce == Some(Reproduce::Tutorial) {
            spec = spec.reproducing(Reproduction::Tutorial);
        }
        spec.recipe = self.recipe.apply(spec.recipe)?;
        spec.model = self.model.apply(spec.model, spec.recipe.bins())?;
        self.apply_foreign(&mut spec)?;
        self.apply_rates(&mut spec);
        self.apply_fit(&mut spec);
        self.apply_gate(&mut spec);
        spec.execution.device = self.fit.device;
        spec.execution.threads = context.threads.map_or(0, std::num::NonZero::get);
        spec.check()?;
        Ok(spec)
    }

    fn apply_foreign(&self, spec: &mut TrainingSpec) -> Result {
        let Some(name) = self.foreign.name(self.model.base()) else {
            return Ok(());
        };
        match &mut spec.model {
            ModelSpec::Cnn2d { base, .. } => *base = name,
            ModelSpec::Cnn1d { .. } => {
                return Err(Failure::usage("--foreign-base belongs to --model cnn2d"));
            }
        }
        Ok(())
    }

    fn apply_rates(&self, spec: &mut TrainingSpec) {
        let rates = &self.rates;
        set(&mut spec.epochs, rates.epochs.map(std::num::NonZero::get));
        set(
            &mut spec.batch_size,
            rates.batch_size.map(std::num::NonZero::get),
        );
        set(
            &mut spec.schedule.step_size,
            rates.step_size.map(std::num::NonZero::get),
        );
        set(&mut spec.schedule.clr, rates.clr.map(clr_mode));
        if let Some((base, max)) = rates.lr_bounds {
            spec.schedule.bounds = Some(RateBounds { base, max });
        }
        set(&mut spec.finder.fraction, rates.lr_frac);
        set(&mut spec.finder.start_rate, rates.lr_start);
        set(&mut spec.finder.end_rate, rates.lr_end);
        set(
            &mut spec.finder.updates,
            rates.lr_updates.map(std::num::NonZero::get),
        );
    }

    fn apply_fit(&self, spec: &mut TrainingSpec) {
        set(&mut spec.seed, self.fit.seed);
        set(&mut spec.validation, self.fit.validation.clone());
        spec.fine_tune |= self.fit.fine_tune;
        let thin = self.fit.thin.as_ref().map(|thin| thin.0.clone());
        let shifts = self.fit.gain_shift.map(|(gain, offset_kev)| GainShifts {
            copies: self.fit.copies.get(),
            gain,
            offset_kev,
        });
        spec.augmentation = Augmentation {
            thin_to_counts: thin.unwrap_or_default(),
            gain_shifts: shifts,
        };
    }

    fn apply_gate(&self, spec: &mut TrainingSpec) {
        let (gate, options) = (&mut spec.gate, &self.gate);
        set(
            &mut gate.detector,
            options.gate.map(|detector| match detector {
                Detector::Dime => DetectorKind::Dime,
                Detector::Energy => DetectorKind::Energy,
                Detector::Softmax => DetectorKind::Softmax,
            }),
        );
        set(
            &mut gate.rule,
            options.gate_threshold.map(|rule| match rule {
                Threshold::OutOfFold => ThresholdKind::OutOfFold,
                Threshold::InSample => ThresholdKind::InSample,
            }),
        );
        set(
            &mut gate.search,
            options.gate_search.map(|search| match search {
                Search::Auroc => GateSearch::None,
                Search::Teff => GateSearch::Teff,
            }),
        );
        set(&mut gate.alpha, options.alpha);
        set(&mut gate.temperature, options.temperature);
        if let Some(k) = options.k {
            gate.k = Some(k.get());
        }
    }
}

fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
}

/// The library's form of a schedule's shape.
const fn clr_mode(clr: Clr) -> ClrMode {
    match clr {
        Clr::None => ClrMode::None,
        Clr::Triangular => ClrMode::Triangular,
        Clr::Triangular2 => ClrMode::Triangular2,
        Clr::ExpRange(gamma) => ClrMode::ExpRange { gamma },
    }
}

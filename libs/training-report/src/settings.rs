//! The choices of a training run in words, for the report.

use assay_pipeline::ModelSpec;
use assay_report::Setting;
use assay_reporting::words;
use assay_spectrum::CalibrationTerms;
use assay_train::{ClrMode, GateSearch, Reproduction, TrainingSpec};

/// Every choice, in reading order.
pub(super) fn settings(spec: &TrainingSpec, device: &str) -> Vec<Setting> {
    let mut list = Vec::new();
    if let Some(Reproduction::Tutorial) = spec.reproduces {
        list.push(explained(
            "reproduce",
            "tutorial",
            "Every choice not listed otherwise is that of the published way.",
        ));
    }
    model(spec, &mut list);
    input(spec, &mut list);
    fit(spec, &mut list);
    gate(spec, &mut list);
    list.push(Setting::new("device", device));
    list.push(Setting::new("threads", spec.execution.thread_count()));
    list
}

fn model(spec: &TrainingSpec, list: &mut Vec<Setting>) {
    match &spec.model {
        ModelSpec::Cnn1d {
            variant,
            activation,
            dropout,
        } => {
            list.push(Setting::new("model", "cnn1d"));
            list.push(Setting::new("variant", words::snake(variant)));
            list.push(Setting::new("activation", words::snake(activation)));
            list.push(Setting::new("dropout", dropout));
        }
        ModelSpec::Cnn2d {
            base,
            imaging,
            dropout,
        } => {
            list.push(Setting::new("model", "cnn2d"));
            list.push(Setting::new("base", base));
            list.push(explained(
                "fine-tune",
                if spec.fine_tune { "yes" } else { "no" },
                if spec.fine_tune {
                    "All layers of the base are trained too."
                } else {
                    "The base stays as it is; only the last layer is trained."
                },
            ));
            list.push(explained(
                "image-size",
                format!("{0} × {0} pixels", imaging.size),
                "Each pixel averages neighbouring bins of the logarithmic spectrum.",
            ));
            list.push(Setting::new("field", words::field(imaging.field)));
            list.push(Setting::new("dropout", dropout));
        }
    }
}

fn input(spec: &TrainingSpec, list: &mut Vec<Setting>) {
    let recipe = &spec.recipe;
    let (lo_kev, hi_kev) = recipe.energy_range_kev();
    list.push(Setting::new(
        "energy range",
        format!(
            "{lo_kev:.1} to {hi_kev:.1} keV in {} bins of {:.3} keV",
            recipe.bins(),
            recipe.grid.bin_width_kev()
        ),
    ));
    list.push(explained(
        "calibration",
        match recipe.calibration_terms {
            CalibrationTerms::Linear => "linear",
            CalibrationTerms::Quadratic => "quadratic",
        },
        "Terms of the energy calibration in the files that are used.",
    ));
}

fn fit(spec: &TrainingSpec, list: &mut Vec<Setting>) {
    list.push(Setting::new("epochs", spec.epochs));
    list.push(Setting::new("batch-size", spec.batch_size));
    let (clr, meaning) = match spec.schedule.clr {
        ClrMode::None => ("none".to_owned(), "The learning rate is constant."),
        ClrMode::Triangular => (
            "triangular".to_owned(),
            "The learning rate rises and falls between its bounds.",
        ),
        ClrMode::Triangular2 => (
            "triangular2".to_owned(),
            "The learning rate rises and falls; each cycle is half as high as the last.",
        ),
        ClrMode::ExpRange { gamma } => (
            format!("exp_range, gamma {gamma}"),
            "The learning rate rises and falls; the height decays exponentially.",
        ),
    };
    list.push(explained("clr", clr, meaning));
    list.push(explained(
        "step-size",
        format!("{} epochs", spec.schedule.step_size),
        "Half a cycle.",
    ));
    match spec.schedule.bounds {
        Some(bounds) => list.push(Setting::new(
            "lr-bounds",
            format!("{}, {}", bounds.base, bounds.max),
        )),
        None => list.push(explained(
            "lr-frac",
            spec.finder.fraction,
            "Part of the fall of the loss at which the lower bound is read.",
        )),
    }
    list.push(Setting::new("validation", &spec.validation));
    if !spec.augmentation.thin_to_counts.is_empty() {
        let counts: Vec<String> = spec
            .augmentation
            .thin_to_counts
            .iter()
            .map(u64::to_string)
            .collect();
        list.push(explained(
            "thin",
            counts.join(", "),
            "Total counts of further copies of every training spectrum.",
        ));
    }
    if let Some(shifts) = spec.augmentation.gain_shifts {
        list.push(explained(
            "gain-shift",
            format!("{} and {} keV", shifts.gain, shifts.offset_kev),
            format!(
                "{} further copies of every training spectrum with gain and offset changed by up \
                 to this.",
                shifts.copies
            ),
        ));
    }
    list.push(Setting::new("seed", spec.seed));
}

fn gate(spec: &TrainingSpec, list: &mut Vec<Setting>) {
    let gate = &spec.gate;
    list.push(Setting::new("gate", words::snake(gate.detector)));
    list.push(Setting::new("gate-threshold", words::snake(gate.rule)));
    match gate.search {
        GateSearch::None => list.push(explained(
            "alpha",
            gate.alpha,
            "Share of known spectra that may be refused.",
        )),
        GateSearch::Teff => list.push(explained(
            "gate-search",
            "teff",
            "Alpha and the detector's parameter were searched by total efficiency.",
        )),
    }
    if let Some(k) = gate.k {
        list.push(Setting::new("k", k));
    }
    list.push(Setting::new("gate folds", gate.folds));
}

fn explained(name: &str, value: impl std::fmt::Display, meaning: impl Into<String>) -> Setting {
    Setting {
        meaning: Some(meaning.into()),
        ..Setting::new(name, value)
    }
}

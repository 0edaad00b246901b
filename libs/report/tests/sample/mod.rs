//! A made-up report with every section filled, hostile texts included.

use assay_report::{
    Bounds, BoundsSource, ClassFigures, Confusion, Epoch, EvaluationPart, Figure, GateSummary,
    GridRow, GridSearch, KScore, KSelection, LrFinder, LrPoint, Merit, PartKind, Provenance, Role,
    Run, Setting, SpectrumRow, Timing, TrainingReport,
};

const CLASSES: [&str; 10] = [
    "Biomass",
    "Coal and Coke",
    "Concrete",
    "Dolomitic Limestone",
    "Forensic Glass",
    "Fuel Oil",
    "Graphite/Urea Mixture",
    "Lubricating Oil",
    "Steel",
    "Titanium Alloy",
];

/// A file name that tries to break out of the page.
pub(crate) const HOSTILE: &str = "spe/</script><img src=x onerror=alert(1)>&\"'.SPE";

pub(crate) fn report() -> TrainingReport {
    let provenance = Provenance {
        model: "cnn2d, 12,810 trainable parameters".into(),
        base: Some("efficientnet-lite0, frozen (Apache-2.0)".into()),
        bundle_id: Some("4f1c9a52e07b8d63".repeat(4)),
        data_digest: Some("b2906e1d77c3a845".repeat(4)),
        created: Some("2026-01-15 10:42 UTC".into()),
        versions: vec![
            ("openassay".into(), "0.1.0".into()),
            ("ONNX Runtime".into(), "1.31.1".into()),
        ],
    };
    let mut report = TrainingReport::new("cnn2d at 512 on 193 known spectra", provenance);
    report.specification = settings();
    report.lr_finder = Some(lr_finder());
    report.runs = vec![
        run("validation run on 85 % of the known spectra", true),
        run("delivered model on all known spectra", false),
    ];
    report.k_selection = Some(k_selection());
    report.search = Some(GridSearch {
        rule: "Total efficiency, 5 stratified folds.".into(),
        columns: ["k = 1", "k = 5", "k = 100"].map(String::from).to_vec(),
        rows: [(0.001, 0.81, 0.97), (0.5, 0.42, 0.60)]
            .map(|(alpha, one, five)| GridRow {
                alpha,
                scores: vec![Some(one), Some(five), None],
            })
            .to_vec(),
        chosen: (0, 1),
    });
    report.gate = Some(GateSummary {
        detector: "DIME, k = 50".into(),
        alpha: 0.02,
        threshold: -3.2,
        rule: "Threshold: 2 % quantile of out-of-fold training scores, 5 stratified folds.".into(),
        n_calibration: 193,
    });
    report.evaluations = vec![
        part("training", PartKind::Training, 193, 0),
        part("test", PartKind::Test, 61, 5),
    ];
    report.timings = [
        ("reading", 1.4),
        ("features", 11.9),
        ("head", 3.8),
        ("gate", 0.04),
    ]
    .map(|(step, seconds)| Timing {
        step: step.into(),
        seconds,
    })
    .to_vec();
    report
}

fn settings() -> Vec<Setting> {
    let mut list: Vec<Setting> = [
        ("model", "cnn2d"),
        ("image-size", "512"),
        ("epochs", "60"),
        ("batch-size", "10"),
        ("clr", "triangular2, step 10 epochs"),
        ("seed", "42"),
    ]
    .map(|(name, value)| Setting::new(name, value))
    .to_vec();
    list[4].meaning =
        Some("The learning rate rises and falls; each cycle is half as high as the last.".into());
    list
}

fn lr_finder() -> LrFinder {
    let points = (0..100)
        .map(|i| {
            let t = f64::from(i) / 99.0;
            let learning_rate = 10f64.powf(-6.0 + 7.0 * t);
            let smooth = 2.3 - 2.0 / (1.0 + (-(t - 0.62) * 22.0).exp()) + (40.0 * (t - 0.97)).exp();
            LrPoint {
                learning_rate,
                loss: Some(smooth * (1.0 + 0.15 * wobble(i as usize))),
                smoothed: Some(smooth),
            }
        })
        .collect();
    LrFinder {
        points,
        bounds: Some(Bounds {
            base_lr: 2.6e-3,
            max_lr: 0.1,
        }),
        source: BoundsSource::Finder,
    }
}

fn run(name: &str, validated: bool) -> Run {
    let epochs = (1..=60)
        .map(|epoch| {
            let phase = (epoch as f64 / 10.0) % 2.0;
            let height = 0.5f64.powi((epoch / 20) as i32);
            let loss = 2.0 * (-(epoch as f64) / 9.0).exp() + 0.01;
            let shift = if validated { 0.0 } else { 0.004 };
            Epoch {
                epoch,
                learning_rate: 2.6e-3 + (0.1 - 2.6e-3) * (1.0 - (phase - 1.0).abs()) * height,
                loss: Some(loss + shift + 0.003 * wobble(epoch)),
                accuracy: Some((1.0 - loss / 2.4 + shift).min(1.0)),
                validation_loss: validated.then(|| loss * 1.2 + 0.005 * wobble(epoch + 7).abs()),
                validation_accuracy: validated.then(|| (1.0 - loss / 2.1).clamp(0.0, 1.0)),
            }
        })
        .collect();
    Run {
        name: name.into(),
        epochs,
    }
}

fn k_selection() -> KSelection {
    let scores = [
        (5, 0.941, 0.81),
        (10, 0.982, 0.914),
        (20, 0.999, 0.988),
        (50, 0.9999, 0.995),
        (100, 0.9995, 0.994),
    ]
    .map(|(k, mean_auroc, worst_auroc)| KScore {
        k,
        mean_auroc,
        worst_auroc,
        worst_class: Some("Lubricating Oil".into()),
    });
    KSelection {
        chosen: 50,
        rule: "Leave-one-class-out AUROC; within 0.001 the smaller k.".into(),
        scores: scores.to_vec(),
    }
}

fn part(name: &str, kind: PartKind, known: usize, unknown: usize) -> EvaluationPart {
    let spectra: Vec<_> = (0..known)
        .map(|i| known_row(name, i))
        .chain((0..unknown).map(unknown_row))
        .collect();
    let correct = spectra.iter().filter(|r| r.verdict == r.label).count();
    EvaluationPart {
        name: name.into(),
        kind,
        known_total: known,
        known_correct: correct,
        closed_set_correct: spectra.iter().filter(|r| r.best_class == r.label).count(),
        unknown_total: unknown,
        unknown_rejected: spectra
            .iter()
            .filter(|r| r.role == Role::Unknown && r.verdict == "UNKNOWN")
            .count(),
        merit: Some(merit(unknown)),
        confusion: Some(confusion(&spectra)),
        spectra,
    }
}

fn known_row(set: &str, i: usize) -> SpectrumRow {
    let label = CLASSES[i % CLASSES.len()];
    let refused = i == 17;
    let verdict = match i {
        17 => "UNKNOWN",
        29 => CLASSES[1],
        _ => label,
    };
    SpectrumRow {
        file: if i == 3 {
            HOSTILE.into()
        } else {
            format!("spe/{set}/jul{:02}16_srm1632e_{i}.SPE", 1 + i % 28)
        },
        label: label.into(),
        role: Role::Known,
        verdict: verdict.into(),
        best_class: if refused { label } else { verdict }.into(),
        probability: 0.97 + 0.029 * wobble(i),
        gate_score: Some(if refused {
            -3.9
        } else {
            -1.9 + 0.7 * wobble(i) * wobble(i + 1)
        }),
        p_value: Some(if refused {
            0.0052
        } else {
            0.5 + 0.45 * wobble(i)
        }),
        warnings: if i % 40 == 5 {
            vec!["date \"05/14/2018 10:17:0\" is cut short; no start time is used".into()]
        } else {
            Vec::new()
        },
    }
}

fn unknown_row(i: usize) -> SpectrumRow {
    SpectrumRow {
        file: format!("spe/zircaloy/may1518_zirc_{i}.SPE"),
        label: ["Zircaloy", "Carbon Powder", "Phosphate Rock"][i % 3].into(),
        role: Role::Unknown,
        verdict: "UNKNOWN".into(),
        best_class: "Steel".into(),
        probability: 0.61,
        gate_score: Some(-8.0 - 4.0 * i as f64),
        p_value: Some(1.0 / 194.0),
        warnings: Vec::new(),
    }
}

fn confusion(spectra: &[SpectrumRow]) -> Confusion {
    let mut rows: Vec<String> = spectra.iter().map(|r| r.label.clone()).collect();
    rows.sort();
    rows.dedup();
    let mut columns: Vec<String> = CLASSES.map(String::from).to_vec();
    columns.push("UNKNOWN".into());
    let counts = rows
        .iter()
        .map(|row| {
            columns
                .iter()
                .map(|column| {
                    let fits = |s: &&SpectrumRow| s.label == *row && s.verdict == *column;
                    spectra.iter().filter(fits).count() as u64
                })
                .collect()
        })
        .collect();
    Confusion {
        rows,
        columns,
        counts,
    }
}

fn merit(unknown: usize) -> Merit {
    let undefined = || Figure::undefined("no spectrum of this class was tested");
    let classes = CLASSES
        .iter()
        .map(|label| ClassFigures {
            label: (*label).into(),
            csns: if unknown > 0 && *label == "Steel" {
                undefined()
            } else {
                Figure::defined(0.983_606)
            },
            csps: Figure::defined(1.0),
            ceff: Figure::defined(0.991_769),
        })
        .collect();
    Merit {
        tsns: Figure::defined(0.967_213),
        tsps: Figure::defined(0.984_848),
        teff: Figure::defined(0.975_991),
        acc: Figure::defined(0.969_697),
        classes,
    }
}

/// A number in (−1, 1) that looks random.
fn wobble(i: usize) -> f64 {
    ((i as f64 * 0.618_033_988_75).fract() * 2.0 - 1.0) * 0.99
}

//! What must hold before a report is stored or shown.

use crate::evaluation::{Confusion, EvaluationPart, Figure, Merit};
use crate::report::GridSearch;
use crate::{ReportError, TrainingReport, VERSION};

impl TrainingReport {
    /// Checks that every number is finite and that the parts fit together.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn check(&self) -> Result<(), ReportError> {
        if self.version != VERSION {
            return Err(ReportError::Version {
                found: u64::from(self.version),
                expected: VERSION,
            });
        }
        self.check_training()?;
        for (index, part) in self.evaluations.iter().enumerate() {
            check_part(&format!("evaluations[{index}]"), part)?;
        }
        Ok(())
    }

    fn check_training(&self) -> Result<(), ReportError> {
        if let Some(finder) = &self.lr_finder {
            for (i, point) in finder.points.iter().enumerate() {
                let at = |name: &str| format!("lr_finder.points[{i}].{name}");
                positive(at("learning_rate"), point.learning_rate)?;
                finite_option(at("loss"), point.loss)?;
                finite_option(at("smoothed"), point.smoothed)?;
            }
            if let Some(bounds) = finder.bounds {
                positive("lr_finder.bounds.base_lr".into(), bounds.base_lr)?;
                positive("lr_finder.bounds.max_lr".into(), bounds.max_lr)?;
            }
        }
        for (r, run) in self.runs.iter().enumerate() {
            for (e, epoch) in run.epochs.iter().enumerate() {
                let at = |name: &str| format!("runs[{r}].epochs[{e}].{name}");
                finite(at("learning_rate"), epoch.learning_rate)?;
                finite_option(at("loss"), epoch.loss)?;
                finite_option(at("accuracy"), epoch.accuracy)?;
                finite_option(at("validation_loss"), epoch.validation_loss)?;
                finite_option(at("validation_accuracy"), epoch.validation_accuracy)?;
            }
        }
        for (i, score) in self.k_selection.iter().flat_map(|k| &k.scores).enumerate() {
            let at = |name: &str| format!("k_selection.scores[{i}].{name}");
            finite(at("mean_auroc"), score.mean_auroc)?;
            finite(at("worst_auroc"), score.worst_auroc)?;
        }
        if let Some(search) = &self.search {
            check_search(search)?;
        }
        if let Some(gate) = &self.gate {
            finite("gate.alpha".into(), gate.alpha)?;
            finite("gate.threshold".into(), gate.threshold)?;
        }
        for (i, timing) in self.timings.iter().enumerate() {
            finite(format!("timings[{i}].seconds"), timing.seconds)?;
        }
        Ok(())
    }
}

fn check_search(search: &GridSearch) -> Result<(), ReportError> {
    for (i, row) in search.rows.iter().enumerate() {
        finite(format!("search.rows[{i}].alpha"), row.alpha)?;
        for score in &row.scores {
            finite_option(format!("search.rows[{i}].scores"), *score)?;
        }
        if row.scores.len() != search.columns.len() {
            return Err(inconsistent(
                format!("search.rows[{i}].scores"),
                format!("expected {} values", search.columns.len()),
            ));
        }
    }
    let (row, column) = search.chosen;
    if row < search.rows.len() && column < search.columns.len() {
        return Ok(());
    }
    Err(inconsistent(
        "search.chosen".into(),
        "it lies outside the grid".into(),
    ))
}

fn check_part(at: &str, part: &EvaluationPart) -> Result<(), ReportError> {
    for (name, some, all) in [
        ("known_correct", part.known_correct, part.known_total),
        (
            "closed_set_correct",
            part.closed_set_correct,
            part.known_total,
        ),
        (
            "unknown_rejected",
            part.unknown_rejected,
            part.unknown_total,
        ),
    ] {
        if some > all {
            return Err(inconsistent(
                format!("{at}.{name}"),
                format!("{some} of {all} spectra"),
            ));
        }
    }
    if let Some(confusion) = &part.confusion {
        check_confusion(at, confusion)?;
    }
    if let Some(merit) = &part.merit {
        check_merit(at, merit)?;
    }
    for (i, row) in part.spectra.iter().enumerate() {
        let field = |name: &str| format!("{at}.spectra[{i}].{name}");
        finite(field("probability"), row.probability)?;
        finite_option(field("gate_score"), row.gate_score)?;
        finite_option(field("p_value"), row.p_value)?;
    }
    Ok(())
}

fn check_confusion(at: &str, confusion: &Confusion) -> Result<(), ReportError> {
    let shape_fits = confusion.counts.len() == confusion.rows.len()
        && confusion
            .counts
            .iter()
            .all(|row| row.len() == confusion.columns.len());
    if shape_fits {
        return Ok(());
    }
    Err(inconsistent(
        format!("{at}.confusion.counts"),
        format!(
            "expected {} rows of {} columns",
            confusion.rows.len(),
            confusion.columns.len()
        ),
    ))
}

fn check_merit(at: &str, merit: &Merit) -> Result<(), ReportError> {
    let totals = [
        ("tsns", &merit.tsns),
        ("tsps", &merit.tsps),
        ("teff", &merit.teff),
        ("acc", &merit.acc),
    ];
    for (name, figure) in totals {
        check_figure(format!("{at}.merit.{name}"), figure)?;
    }
    for (i, class) in merit.classes.iter().enumerate() {
        for (name, figure) in [
            ("csns", &class.csns),
            ("csps", &class.csps),
            ("ceff", &class.ceff),
        ] {
            check_figure(format!("{at}.merit.classes[{i}].{name}"), figure)?;
        }
    }
    Ok(())
}

fn check_figure(field: String, figure: &Figure) -> Result<(), ReportError> {
    match (figure.value, &figure.reason) {
        (None, None) => Err(inconsistent(
            field,
            "neither a value nor the reason why there is none".into(),
        )),
        (value, _) => finite_option(field, value),
    }
}

pub(crate) fn positive(field: String, value: f64) -> Result<(), ReportError> {
    finite(field.clone(), value)?;
    if value > 0.0 {
        return Ok(());
    }
    Err(inconsistent(
        field,
        format!("{value} is not above zero, as a logarithmic axis needs"),
    ))
}

pub(crate) fn finite_option(field: String, value: Option<f64>) -> Result<(), ReportError> {
    value.map_or(Ok(()), |value| finite(field, value))
}

pub(crate) fn finite(field: String, value: f64) -> Result<(), ReportError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(ReportError::NotFinite { field, value })
}

pub(crate) fn inconsistent(field: String, reason: String) -> ReportError {
    ReportError::Inconsistent { field, reason }
}

//! The open-set classifier: the gate first, then a closed-set classifier on the inliers.

use crate::{
    confusion::{Assignment, ConfusionMatrix, Style},
    error::OpenSetError,
    gate::Gate,
    logits::probabilities,
    merit::{FiguresOfMerit, ScoreUsing},
    sample::{Sample, Samples},
};
use assay_core::ClassLabel;
use rayon::prelude::*;
use std::{fmt, sync::Arc};

/// A closed-set classifier.
pub trait Classifier: fmt::Debug + Send + Sync {
    /// Classes of one sample, as positions in the list of known classes: exactly one of a hard
    /// classifier, any number of a soft one.
    ///
    /// # Errors
    /// When the sample lacks what is needed or holds NaN or infinity.
    fn classes(&self, sample: Sample<'_>) -> Result<Vec<usize>, OpenSetError>;
}

/// The class of the largest logit; among equals the lowest index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgMax;

impl Classifier for ArgMax {
    fn classes(&self, sample: Sample<'_>) -> Result<Vec<usize>, OpenSetError> {
        let logits = sample.finite_logits("arg-max")?;
        let best =
            (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
        Ok(vec![best])
    }
}

/// Every class whose softmax probability reaches a share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AtLeast {
    /// The probability needed.
    pub probability: f64,
}

impl Classifier for AtLeast {
    fn classes(&self, sample: Sample<'_>) -> Result<Vec<usize>, OpenSetError> {
        let probabilities = probabilities(&sample.finite_logits("probability")?);
        let reached = probabilities.iter().enumerate();
        Ok(reached
            .filter(|(_, p)| **p >= self.probability)
            .map(|(class, _)| class)
            .collect())
    }
}

/// A gate in front of a classifier.
///
/// # Source
/// PyChemAuth, `OpenSetClassifier`.
#[derive(Debug, Clone)]
pub struct OpenSetClassifier {
    /// Known classes; assignments are positions in this list.
    pub known: Vec<ClassLabel>,
    /// What refused samples are called; no class may have this name.
    pub unknown: String,
    /// Whether the classifier gives one class or several.
    pub style: Style,
    /// Which classes the figures of merit count as targets.
    pub score_using: ScoreUsing,
    /// The gate; `None` accepts everything.
    pub gate: Option<Gate>,
    /// The classifier for inliers.
    pub classifier: Arc<dyn Classifier>,
}

impl OpenSetClassifier {
    /// Assigns one sample.
    ///
    /// # Errors
    /// When gate or classifier cannot score the sample, or a hard classifier does not give exactly
    /// one class. A soft classifier that gives none says unknown.
    pub fn assign(&self, sample: Sample<'_>) -> Result<Assignment, OpenSetError> {
        if let Some(gate) = &self.gate
            && !gate.judge(sample)?.inlier
        {
            return Ok(Assignment::Unknown);
        }
        let classes = self.classifier.classes(sample)?;
        match (self.style, classes.as_slice()) {
            (Style::Hard, [class]) => Ok(Assignment::Class(*class)),
            (Style::Hard, _) => Err(OpenSetError::Assignment {
                row: 0,
                reason: "the classifier did not give exactly one class; is its style soft?",
            }),
            (Style::Soft, []) => Ok(Assignment::Unknown),
            (Style::Soft, _) => Ok(Assignment::Classes(classes)),
        }
    }

    /// Assigns many samples.
    ///
    /// # Errors
    /// As [`OpenSetClassifier::assign`].
    pub fn assign_all(&self, samples: Samples<'_>) -> Result<Vec<Assignment>, OpenSetError> {
        (0..samples.rows())
            .into_par_iter()
            .map(|row| {
                self.assign(samples.row(row))
                    .map_err(|error| error.in_row(row))
            })
            .collect()
    }

    /// Labels of an assignment.
    #[must_use]
    pub fn labels<'a>(&'a self, assignment: &Assignment) -> Vec<&'a str> {
        let label = |class: &usize| self.known.get(*class).map(ClassLabel::as_str);
        match assignment {
            Assignment::Unknown => vec![&self.unknown],
            Assignment::Class(class) => label(class).into_iter().collect(),
            Assignment::Classes(classes) => classes.iter().filter_map(label).collect(),
        }
    }

    /// Confusion matrix and figures of merit of assignments.
    ///
    /// # Errors
    /// As [`ConfusionMatrix::tally`] and [`FiguresOfMerit::of`].
    pub fn figures_of_merit(
        &self,
        actual: &[ClassLabel],
        assigned: &[Assignment],
    ) -> Result<(ConfusionMatrix, FiguresOfMerit), OpenSetError> {
        let matrix =
            ConfusionMatrix::tally(&self.known, &self.unknown, self.style, actual, assigned)?;
        let figures = FiguresOfMerit::of(&matrix, self.style, &self.score_using)?;
        Ok((matrix, figures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DetectorSpec, GateSpec, ThresholdRule};
    use ndarray::arr2;

    fn classifier(style: Style, classifier: Arc<dyn Classifier>) -> OpenSetClassifier {
        OpenSetClassifier {
            known: ["Coal", "Steel", "Zinc"]
                .map(|text| ClassLabel::new(text).unwrap())
                .to_vec(),
            unknown: assay_core::UNKNOWN.to_owned(),
            style,
            score_using: ScoreUsing::All,
            gate: None,
            classifier,
        }
    }

    #[test]
    fn arg_max_takes_the_lowest_index_of_equals() {
        let hard = classifier(Style::Hard, Arc::new(ArgMax));
        let logits = arr2(&[[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]);
        let assigned = hard.assign_all(Samples::logits(logits.view())).unwrap();
        assert_eq!(assigned, [Assignment::Class(1), Assignment::Class(0)]);
        assert_eq!(hard.labels(&assigned[0]), ["Steel"]);
    }

    #[test]
    fn a_soft_classifier_gives_all_classes_that_reach_their_share_or_none() {
        let soft = classifier(Style::Soft, Arc::new(AtLeast { probability: 0.4 }));
        let logits = arr2(&[[5.0, 5.0, 0.0], [0.0, 0.0, 0.0]]);
        let assigned = soft.assign_all(Samples::logits(logits.view())).unwrap();
        assert_eq!(
            assigned,
            [Assignment::Classes(vec![0, 1]), Assignment::Unknown]
        );
        assert_eq!(soft.labels(&assigned[0]), ["Coal", "Steel"]);
        assert_eq!(soft.labels(&assigned[1]), ["UNKNOWN"]);
        let mistaken = classifier(Style::Hard, Arc::new(AtLeast { probability: 0.4 }));
        let error = mistaken
            .assign_all(Samples::logits(logits.view()))
            .unwrap_err();
        assert!(error.to_string().contains("row 0"), "{error}");
    }

    #[test]
    fn what_the_gate_refuses_never_reaches_the_classifier() {
        let mut hard = classifier(Style::Hard, Arc::new(ArgMax));
        let logits = arr2(&[[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.1, 0.0, 0.0]]);
        let samples = Samples::logits(logits.view());
        let spec = GateSpec {
            detector: DetectorSpec::Softmax,
            alpha: 0.5,
            rule: ThresholdRule::InSample,
        };
        hard.gate = Some(Gate::fit(spec, samples, &[0, 1, 2]).unwrap());
        let assigned = hard.assign_all(samples).unwrap();
        assert_eq!(
            assigned,
            [
                Assignment::Class(0),
                Assignment::Class(1),
                Assignment::Unknown
            ]
        );
        let bad = arr2(&[[0.0, 1.0, 2.0], [0.0, f64::NAN, 2.0]]);
        let error = hard.assign_all(Samples::logits(bad.view())).unwrap_err();
        assert!(error.to_string().contains("row 1, column 1"), "{error}");
    }
}

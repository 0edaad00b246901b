//! `openassay benchmark`: a kind of model under an evaluation protocol.

use crate::{
    context::Context,
    failure::{Failure, Result},
    options::{JsonFile, JsonTarget, SpecOptions},
    terminal::{Align, Table},
    training::{Watching, Work},
};
use assay_pipeline::protocols::{Protocol, Score, Shift};
use assay_train::{BenchmarkReport, MeanScores, benchmark};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  openassay benchmark --manifest all.csv --protocol leave-one-class-out --json scores.json
  openassay benchmark --manifest all.csv --protocol grouped --folds 5
  openassay benchmark --manifest all.csv --protocol counts --counts 1e5,1e4,3e3 --thin short

A random split puts replicates of one specimen on both sides, so a perfect score there proves
little. The other protocols ask: does it know the material or the specimen (grouped), does it
refuse what it has not seen (leave-one-class-out), does it work on short measurements (counts) and
after the amplifier drifted (gain)?";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProtocolOption {
    /// Stratified random folds; saturated, for comparison with the literature
    Random,
    /// No group stands on both sides
    Grouped,
    /// Every class once as the unknown
    LeaveOneClassOut,
    /// Test spectra thinned to fewer counts
    Counts,
    /// Test spectra with another gain or offset
    Gain,
}

/// Measure how well a kind of model does under harder and harder conditions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Benchmark {
    /// Labelled spectra
    #[arg(long, value_name = "FILE.csv")]
    manifest: PathBuf,

    /// What is measured
    #[arg(long, value_enum)]
    protocol: ProtocolOption,

    /// random, grouped: number of folds [default: 5]
    #[arg(long, value_name = "N")]
    folds: Option<usize>,

    /// leave-one-class-out, counts, gain: share of every class that is held out [default: 0.2]
    #[arg(long, value_name = "SHARE", value_parser = crate::options::open_unit)]
    holdout: Option<f64>,

    /// counts: total counts to thin to [default: 1e6,3e5,1e5,3e4,1e4,3e3]
    #[arg(long, value_name = "COUNTS", value_parser = crate::options::training::counts)]
    counts: Option<crate::options::training::Thin>,

    /// gain: a gain and an offset in keV to measure at, such as 1.002,0; may be given repeatedly
    /// [default: gains from 0.99 to 1.01, offsets of -5 and 5 keV]
    #[arg(long, value_name = "GAIN,KEV", value_parser = crate::options::pair)]
    shift: Vec<(f64, f64)>,

    #[command(flatten)]
    spec: SpecOptions,

    #[command(flatten)]
    json: JsonFile,
}

impl Benchmark {
    pub(crate) fn run(&self, context: &Context) -> Result {
        self.json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
        let protocol = self.protocol()?;
        let spec = self.spec.spec(context)?;
        let work = Work::load(context, &self.spec, &spec, &self.manifest)?;
        let watching = Watching::training(context);
        let report = benchmark(
            &work.dataset,
            &protocol,
            &spec,
            &work.resources(),
            &watching,
        )?;
        watching.finish();
        context.answer(self.json.json.as_ref(), &report, || for_people(&report))
    }

    fn protocol(&self) -> Result<Protocol> {
        let name = self
            .protocol
            .to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned());
        let mut protocol = Protocol::named(&name)?;
        let mut used = [false; 4];
        match &mut protocol {
            Protocol::Random { folds } | Protocol::Grouped { folds } => {
                used[0] = true;
                *folds = self.folds.unwrap_or(*folds);
            }
            Protocol::LeaveOneClassOut { holdout } => {
                used[1] = true;
                *holdout = self.holdout.unwrap_or(*holdout);
            }
            Protocol::Counts {
                holdout,
                total_counts,
            } => {
                (used[1], used[2]) = (true, true);
                *holdout = self.holdout.unwrap_or(*holdout);
                if let Some(counts) = &self.counts {
                    total_counts.clone_from(&counts.0);
                }
            }
            Protocol::Gain { holdout, shifts } => {
                (used[1], used[3]) = (true, true);
                *holdout = self.holdout.unwrap_or(*holdout);
                if !self.shift.is_empty() {
                    *shifts = self.shift.iter().map(shift).collect();
                }
            }
        }
        let given = [
            ("--folds", self.folds.is_some()),
            ("--holdout", self.holdout.is_some()),
            ("--counts", self.counts.is_some()),
            ("--shift", !self.shift.is_empty()),
        ];
        match given
            .iter()
            .zip(used)
            .find(|((_, given), used)| *given && !used)
        {
            None => Ok(protocol),
            Some(((option, _), _)) => Err(Failure::usage(format!(
                "{option} means nothing to --protocol {name}; leave it out"
            ))),
        }
    }
}

const fn shift(pair: &(f64, f64)) -> Shift {
    Shift {
        gain: pair.0,
        offset_kev: pair.1,
    }
}

fn for_people(report: &BenchmarkReport) -> String {
    let mut text = rounds(report);
    text += "\nby class, over all rounds\n\n";
    text += &classes(report);
    text += "\naccuracy: right class, gate ignored; AUROC: gate scores of known against unknown\n";
    let mut reasons: Vec<&str> = report
        .rounds
        .iter()
        .flat_map(|round| {
            let s = &round.scores;
            [&s.accuracy, &s.auroc, &s.tsns, &s.tsps, &s.teff]
        })
        .filter_map(|score| score.reason.as_deref())
        .filter(|reason| !reason.is_empty())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        text += &format!("–: {reason}\n");
    }
    text
}

fn rounds(report: &BenchmarkReport) -> String {
    let mut table = Table::new([
        ("round", Align::Left),
        ("known", Align::Right),
        ("unknown", Align::Right),
        ("accuracy", Align::Right),
        ("AUROC", Align::Right),
        ("TSNS", Align::Right),
        ("TSPS", Align::Right),
        ("TEFF", Align::Right),
    ]);
    for round in &report.rounds {
        let s = &round.scores;
        let mut row = vec![
            s.fold.clone(),
            s.known_total.to_string(),
            s.unknown_total.to_string(),
        ];
        row.extend([&s.accuracy, &s.auroc, &s.tsns, &s.tsps, &s.teff].map(shown));
        table.row(row);
    }
    let MeanScores {
        accuracy,
        auroc,
        tsns,
        tsps,
        teff,
    } = &report.mean;
    let mut mean = vec!["mean".to_owned(), String::new(), String::new()];
    mean.extend([accuracy, auroc, tsns, tsps, teff].map(shown));
    table.row(mean);
    if let Some(worst) = report.worst_auroc {
        let mut row = vec![String::new(); 8];
        "worst".clone_into(&mut row[0]);
        row[4] = format!("{worst:.4}");
        table.row(row);
    }
    table.render()
}

/// One line per label, the rounds in which it was judged put together.
fn classes(report: &BenchmarkReport) -> String {
    let all = || report.rounds.iter().flat_map(|round| &round.scores.classes);
    let mut keys: Vec<(&str, bool)> = all().map(|c| (c.label.as_str(), c.known)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut table = Table::new([
        ("class", Align::Left),
        ("judged as", Align::Left),
        ("spectra", Align::Right),
        ("accuracy", Align::Right),
        ("right", Align::Right),
        ("AUROC", Align::Right),
    ]);
    for (label, known) in keys {
        let entries: Vec<_> = all()
            .filter(|c| c.label == label && c.known == known)
            .collect();
        let mean = |score: fn(&assay_pipeline::protocols::ClassScores) -> &Score| {
            let weighted: Vec<(f64, f64)> = entries
                .iter()
                .filter_map(|c| Some((score(c).value?, c.total as f64)))
                .collect();
            let weight: f64 = weighted.iter().map(|w| w.1).sum();
            if weight == 0.0 {
                return "–".to_owned();
            }
            let sum: f64 = weighted.iter().map(|(value, weight)| value * weight).sum();
            format!("{:.4}", sum / weight)
        };
        table.row([
            label.to_owned(),
            if known { "known" } else { "unknown" }.to_owned(),
            entries.iter().map(|c| c.total).sum::<usize>().to_string(),
            mean(|c| &c.accuracy),
            mean(|c| &c.right),
            mean(|c| &c.auroc),
        ]);
    }
    table.render()
}

fn shown(score: &Score) -> String {
    score
        .value
        .map_or("–".to_owned(), |value| format!("{value:.4}"))
}

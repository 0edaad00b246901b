//! Whether explanations show the truth: on spectra whose lines are known, what an explanation says
//! is scored against the lines that tell the class from the others. Spectra and their truth come as
//! plain values, from a simulator or from anywhere else.

mod cells;
mod curves;
mod elements;
mod lines;
mod ranking;
mod regions;
mod removal;
mod settings;
mod summary;
mod trial;

pub use cells::Cells;
pub use curves::{Areas, area, by_score, shuffled, steps};
pub use elements::{Distinguishing, ElementShares};
pub use lines::{PeakKind, TrueLine, kinds};
pub use ranking::{Ranking, chance};
pub use regions::{RegionScore, Shares};
pub use settings::TruthSettings;
pub use summary::{OrderSummary, RegionSummary, ShareSummary, Summary, summarise};
pub use trial::{Case, Order, OrderScore, SpectrumScore, score};

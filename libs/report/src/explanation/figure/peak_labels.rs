//! Which peaks of a crowded spectrum get a label, and what it says.

use crate::explanation::Peak;

/// Peaks in the order of how much they have to say.
pub(super) fn ranked(peaks: &[Peak]) -> Vec<&Peak> {
    let mut ranked: Vec<_> = peaks.iter().collect();
    let weight = |peak: &Peak| peak.logit_change.map_or(0.0, f64::abs);
    ranked.sort_by(|a, b| {
        let by_evidence = weight(b).total_cmp(&weight(a));
        by_evidence.then(b.net_area.total_cmp(&a.net_area))
    });
    ranked
}

/// Energy and the nearest candidate; an ellipsis where there are more.
pub(super) fn text(peak: &Peak) -> String {
    let energy = format!("{:.1}", peak.energy_kev);
    let Some(first) = peak.candidates.first() else {
        return energy;
    };
    let name: String = first.split_whitespace().take(1).collect();
    let more = if peak.candidates.len() > 1 {
        " …"
    } else {
        ""
    };
    format!("{energy} {name}{more}")
}

/// Places that are far enough from each other, first come first served.
#[derive(Default)]
pub(super) struct Places {
    taken: Vec<f32>,
}

impl Places {
    pub(super) fn take(&mut self, x: f32, distance: f32) -> bool {
        let free = self.taken.iter().all(|other| (other - x).abs() >= distance);
        if free {
            self.taken.push(x);
        }
        free
    }
}

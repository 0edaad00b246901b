//! Progress of long work: bars on a terminal, one line per finished step elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

/// Where progress goes.
#[derive(Clone)]
pub(crate) struct Progress {
    bars: MultiProgress,
    quiet: bool,
    terminal: bool,
}

impl Progress {
    /// Progress on standard error, unless the user wants none.
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if terminal && !quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bars: MultiProgress::with_draw_target(target),
            quiet,
            terminal,
        }
    }

    /// Whether standard error is a terminal.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Does something to standard error while no bar is in the way.
    pub(crate) fn beside<T>(&self, act: impl FnOnce() -> T) -> T {
        self.bars.suspend(act)
    }

    /// Says something that is worth knowing but no answer; silent when quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.beside(|| super::tell(&format!("{text}\n")));
        }
    }

    /// Says what the user should look at, also when quiet.
    pub(crate) fn warn(&self, text: &str) {
        self.beside(|| super::tell(&format!("warning: {text}\n")));
    }

    /// Begins a step.
    pub(crate) fn bar(&self, title: impl Into<String>) -> Bar {
        let title = title.into();
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {msg} {elapsed}"));
        bar.set_message(title.clone());
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar {
            progress: self.clone(),
            bar,
            title,
            started: Instant::now(),
        }
    }
}

/// One step that takes time.
pub(crate) struct Bar {
    progress: Progress,
    bar: ProgressBar,
    title: String,
    started: Instant,
}

impl Bar {
    /// Shows how much is done.
    pub(crate) fn set(&self, done: usize, total: usize) {
        if self.bar.length() != Some(total as u64) {
            self.bar.set_length(total as u64);
            self.bar
                .set_style(style("{spinner} {msg} {wide_bar} {pos}/{len} {eta}"));
        }
        self.bar.set_position(done as u64);
    }

    /// Shows a word beside the title.
    pub(crate) fn say(&self, text: &str) {
        self.bar.set_message(format!("{}  {text}", self.title));
    }

    /// Ends the step and leaves a line with the time it took.
    pub(crate) fn finish(self) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        self.progress
            .note(&format!("{} {seconds:.1} s", dotted(&self.title)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn dotted(title: &str) -> String {
    let dots = 40_usize.saturating_sub(title.chars().count()).max(3);
    format!("{title} {}", ".".repeat(dots))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

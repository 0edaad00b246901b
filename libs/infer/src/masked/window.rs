//! Which positions of a map a position further on depends on, along one axis.

/// Position `p` reads `p·stride − before ..= p·stride + after`, as far as those exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) stride: usize,
    pub(crate) before: usize,
    pub(crate) after: usize,
}

impl Window {
    /// A position that reads itself.
    pub(crate) const POINT: Self = Self {
        stride: 1,
        before: 0,
        after: 0,
    };

    /// A kernel with `before` zeros in front of the first position. `None` where a window does not
    /// touch its own position, which no padding in use has.
    pub(crate) fn kernel(extent: usize, stride: usize, before: usize) -> Option<Self> {
        let after = extent.checked_sub(1 + before)?;
        Some(Self {
            stride,
            before,
            after,
        })
    }

    /// This window looked at through a later one.
    pub(crate) const fn then(self, later: Self) -> Self {
        Self {
            stride: self.stride * later.stride,
            before: self.before + later.before * self.stride,
            after: self.after + later.after * self.stride,
        }
    }

    /// A window that reads what either reads; `None` when they move at different speeds.
    pub(crate) fn join(self, other: Self) -> Option<Self> {
        (self.stride == other.stride).then(|| Self {
            stride: self.stride,
            before: self.before.max(other.before),
            after: self.after.max(other.after),
        })
    }

    pub(crate) fn is_point(self) -> bool {
        self == Self::POINT
    }

    /// What positions `start..end` read of an axis of `extent` positions.
    pub(crate) fn read(self, (start, end): (usize, usize), extent: usize) -> (usize, usize) {
        let first = (start * self.stride).saturating_sub(self.before);
        let last = (end.saturating_sub(1) * self.stride + self.after + 1).min(extent);
        (first.min(last), last)
    }

    /// Which of `outputs` positions read anything of `start..end`.
    pub(crate) fn readers(self, (start, end): (usize, usize), outputs: usize) -> (usize, usize) {
        let first = start.saturating_sub(self.after).div_ceil(self.stride);
        let last = ((end + self.before).saturating_sub(1) / self.stride + 1).min(outputs);
        (first.min(last), last)
    }

    /// Positions more than its own that a window reads, counted in outputs.
    pub(crate) const fn halo(self) -> usize {
        (self.before + self.after).div_ceil(self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_those_whose_window_meets_the_span() {
        for (stride, before, after) in [(1, 0, 0), (1, 2, 2), (2, 0, 2), (2, 1, 1), (4, 7, 3)] {
            let window = Window {
                stride,
                before,
                after,
            };
            let (extent, outputs) = (23, 23_usize.div_ceil(stride));
            for start in 0..extent {
                for end in start + 1..=extent {
                    let meets: Vec<usize> = (0..outputs)
                        .filter(|p| {
                            let (first, last) = window.read((*p, p + 1), extent);
                            first < end && start < last
                        })
                        .collect();
                    let (first, last) = window.readers((start, end), outputs);
                    let readers: Vec<usize> = (first..last).collect();
                    assert_eq!(readers, meets, "{window:?} {start}..{end}");
                }
            }
        }
    }

    #[test]
    fn a_chain_reads_what_its_links_read() {
        let first = Window::kernel(3, 2, 1).unwrap();
        let second = Window::kernel(5, 1, 2).unwrap();
        let chain = first.then(second);
        for p in 3..8 {
            let inner = second.read((p, p + 1), 100);
            assert_eq!(chain.read((p, p + 1), 100), first.read(inner, 100));
        }
    }
}

//! What was found of the pixels of an image.

/// What blocks of pixels add to the logits of some classes.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageValues {
    /// Pixels per row and per column.
    pub side: usize,
    /// Energies of the image's edges in keV, along rows and columns alike.
    pub range_kev: (f64, f64),
    /// Indices of the explained classes.
    pub classes: Vec<usize>,
    /// Logit of each class with everything hidden.
    pub base: Vec<f64>,
    /// Logit of each class of the image itself: base and values add up to it.
    pub full: Vec<f64>,
    /// The blocks that were told apart; together they are the image.
    pub blocks: Vec<ValuedBlock>,
    /// Masked images.
    pub evals: usize,
}

/// A block of pixels, rows from the top and columns from the left, each from its first to one past
/// its last.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuedBlock {
    /// Rows.
    pub rows: (usize, usize),
    /// Columns.
    pub columns: (usize, usize),
    /// What the block as a whole adds, one value for each explained class.
    pub values: Vec<f64>,
}

impl ImageValues {
    /// The energies of a span of pixels in keV.
    #[must_use]
    pub fn span_kev(&self, (start, end): (usize, usize)) -> (f64, f64) {
        let (low, high) = self.range_kev;
        // This way round, so that the ends are those of the range to the bit.
        let edge = |pixel: usize| {
            let share = pixel as f64 / self.side.max(1) as f64;
            low * (1.0 - share) + high * share
        };
        (edge(start), edge(end))
    }

    /// What each pixel adds to the logit of the class at this position among the explained ones:
    /// its share of its block.
    ///
    /// # Shapes
    /// `[side * side]`, row-major.
    #[must_use]
    pub fn pixels(&self, class: usize) -> Vec<f32> {
        let mut pixels = vec![0.0; self.side * self.side];
        for block in &self.blocks {
            let (rows, columns) = (block.rows.0..block.rows.1, block.columns.0..block.columns.1);
            let each = block.values[class] / (rows.len() * columns.len()) as f64;
            #[expect(clippy::cast_possible_truncation, reason = "images are stored as f32")]
            let each = each as f32;
            for row in rows {
                let start = row * self.side;
                pixels[start + columns.start..start + columns.end].fill(each);
            }
        }
        pixels
    }
}

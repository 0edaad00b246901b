//! What is explained: a function from the players present to the outputs of a model.

use crate::ShapError;
use ndarray::Array2;

/// One evaluation: the blocks whose players are present, all others being hidden.
///
/// Coalitions are canonical: the blocks are sorted, share no player, and two halves of one block
/// never stand side by side but as that block. So equal sets of players are equal lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<B> {
    /// Blocks present.
    pub present: Vec<B>,
    /// Two coalitions evaluated before, the one below and the one above this one: they differ
    /// from it by a single block each. Whoever evaluates may start from their results. `None`
    /// for the empty and for the whole coalition.
    pub between: Option<(Vec<B>, Vec<B>)>,
}

/// A model on masked rows.
pub trait Game<B> {
    /// Evaluates a batch.
    ///
    /// # Shapes
    /// One row for each query, in order; `[queries, outputs]`, and as many outputs every time.
    ///
    /// # Errors
    /// When the model fails; [`ShapError::game`] wraps its error. The batch counts as not
    /// evaluated and can be asked for again.
    fn evaluate(&mut self, queries: &[Query<B>]) -> Result<Array2<f64>, ShapError>;
}

impl<B, F> Game<B> for F
where
    F: FnMut(&[Query<B>]) -> Result<Array2<f64>, ShapError>,
{
    fn evaluate(&mut self, queries: &[Query<B>]) -> Result<Array2<f64>, ShapError> {
        self(queries)
    }
}

//! One model, ready to run: checks what goes in and what comes out, and names every output.

use crate::{error::InferError, runtime::OnnxRuntime};
use ndarray::{ArrayD, ArrayViewD};
use ort::{
    ep,
    session::{OutputSelector, RunOptions, builder::GraphOptimizationLevel},
    value::{Outlet, TensorRef},
};
use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

/// How a session computes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads within one operation; `None` takes as many as there are cores.
    pub threads: Option<NonZeroUsize>,
    /// Give the memory of a run back after it instead of keeping it for the next one. Right where
    /// the shapes of the runs differ, or where many sessions take turns.
    pub frees_memory: bool,
}

/// A tensor at the border of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the graph.
    pub name: String,
    /// Its shape; `None` is an axis of any length.
    pub shape: Vec<Option<usize>>,
}

impl TensorInfo {
    fn expected(&self) -> String {
        let axes: Vec<_> = self
            .shape
            .iter()
            .map(|axis| axis.map_or("n".to_owned(), |length| length.to_string()))
            .collect();
        format!("[{}]", axes.join(", "))
    }

    fn admits(&self, shape: &[usize]) -> bool {
        shape.len() == self.shape.len()
            && shape.first() != Some(&0)
            && shape
                .iter()
                .zip(&self.shape)
                .all(|(&found, &allowed)| allowed.is_none_or(|allowed| allowed == found))
    }
}

/// A model with one f32 input. Shared between threads; runs take turns.
pub struct Session {
    // The runtime's own session is not safe to run from two threads, and more copies of the
    // weights and of the arena would not make two runs on the same cores any faster.
    engine: Mutex<ort::session::Session>,
    input: TensorInfo,
    outputs: Vec<TensorInfo>,
}

impl Session {
    /// Prepares a model held in memory.
    ///
    /// # Errors
    /// When the runtime refuses the model, or when it has not exactly one f32 input.
    pub fn from_bytes(
        runtime: &OnnxRuntime,
        model: &[u8],
        options: &SessionOptions,
    ) -> Result<Self, InferError> {
        let engine = Self::configure(runtime, options)
            .and_then(|mut builder| builder.commit_from_memory(model))
            .map_err(|e| InferError::ModelRefused {
                reason: e.message().to_owned(),
            })?;
        let [input] = engine.inputs() else {
            return Err(InferError::ModelInterface {
                reason: format!(
                    "has {} inputs, but exactly one is needed",
                    engine.inputs().len()
                ),
            });
        };
        let input = tensor_info(input)?;
        let outputs = engine
            .outputs()
            .iter()
            .map(tensor_info)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            engine: Mutex::new(engine),
            input,
            outputs,
        })
    }

    fn configure(
        runtime: &OnnxRuntime,
        options: &SessionOptions,
    ) -> ort::Result<ort::session::builder::SessionBuilder> {
        let threads = options.threads.map_or(0, NonZeroUsize::get);
        Ok(ort::session::Session::builder(runtime.environment())?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_parallel_execution(false)?
            .with_intra_threads(threads)?
            // Idle threads must not burn the cores that the rest of the process works on.
            .with_intra_op_spinning(false)?
            .with_deterministic_compute(true)?
            .with_memory_pattern(false)?
            .with_execution_providers([ep::CPU::default()
                .with_arena_allocator(!options.frees_memory)
                .build()])?)
    }

    /// The input.
    #[must_use]
    pub const fn input(&self) -> &TensorInfo {
        &self.input
    }

    /// The outputs, in the model's order.
    #[must_use]
    pub fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// Computes the named outputs, in the order asked for.
    ///
    /// # Shapes
    /// `input` as [`Session::input`] says, rows first; each output has as many rows.
    ///
    /// # Errors
    /// When the shape does not fit, when a value on either side is not finite, when an output
    /// does not exist, or when the runtime fails.
    pub fn run(
        &self,
        input: ArrayViewD<'_, f32>,
        outputs: &[&str],
    ) -> Result<Vec<ArrayD<f32>>, InferError> {
        self.check_input(&input)?;
        self.check_outputs(outputs)?;
        let input = input.as_standard_layout();
        let failed = |e| InferError::engine("run the model", &e);
        let tensor = TensorRef::from_array_view(input.view()).map_err(failed)?;
        let selected = outputs
            .iter()
            .fold(OutputSelector::no_default(), |selector, &name| {
                selector.with(name)
            });
        let run_options = RunOptions::new().map_err(failed)?.with_outputs(selected);
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        let values = engine
            .run_with_options(ort::inputs![tensor], &run_options)
            .map_err(failed)?;
        outputs
            .iter()
            .map(|&name| {
                let value = values.get(name).ok_or_else(|| self.unknown_output(name))?;
                let array = value.try_extract_array::<f32>().map_err(failed)?;
                check_output(name, &array)?;
                Ok(array.to_owned())
            })
            .collect()
    }

    fn check_input(&self, input: &ArrayViewD<'_, f32>) -> Result<(), InferError> {
        if !self.input.admits(input.shape()) {
            return Err(InferError::InputShape {
                name: self.input.name.clone(),
                found: input.shape().to_vec(),
                expected: self.input.expected(),
            });
        }
        match first_not_finite(input) {
            None => Ok(()),
            Some((row, position, value)) => Err(InferError::InputNotFinite {
                row,
                position,
                value,
            }),
        }
    }

    fn check_outputs(&self, names: &[&str]) -> Result<(), InferError> {
        match names
            .iter()
            .find(|&&name| self.outputs.iter().all(|output| output.name != name))
        {
            None => Ok(()),
            Some(name) => Err(self.unknown_output(name)),
        }
    }

    pub(crate) fn unknown_output(&self, name: &str) -> InferError {
        InferError::UnknownOutput {
            name: name.to_owned(),
            available: self.outputs.iter().map(|o| o.name.clone()).collect(),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("input", &self.input)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

fn tensor_info(outlet: &Outlet) -> Result<TensorInfo, InferError> {
    let float = outlet.dtype().tensor_type() == Some(ort::value::TensorElementType::Float32);
    let Some(shape) = outlet.dtype().tensor_shape().filter(|_| float) else {
        return Err(InferError::ModelInterface {
            reason: format!(
                "has {:?} of type {}, but only f32 tensors are supported",
                outlet.name(),
                outlet.dtype()
            ),
        });
    };
    Ok(TensorInfo {
        name: outlet.name().to_owned(),
        shape: shape
            .iter()
            .map(|&axis| usize::try_from(axis).ok())
            .collect(),
    })
}

fn first_not_finite(values: &ArrayViewD<'_, f32>) -> Option<(usize, usize, f32)> {
    // Almost always everything is finite, and that is seen many times faster without a position.
    let all = |values: &[f32]| values.iter().fold(true, |all, v| all & v.is_finite());
    if values.as_slice().is_some_and(all) {
        return None;
    }
    let (at, value) = values
        .iter()
        .enumerate()
        .find(|(_, value)| !value.is_finite())?;
    // A tensor without axes is one row of one value.
    let rows = values.shape().first().copied().unwrap_or(1).max(1);
    let row_length = values.len() / rows;
    Some((at / row_length, at % row_length, *value))
}

fn check_output(name: &str, values: &ArrayViewD<'_, f32>) -> Result<(), InferError> {
    match first_not_finite(values) {
        None => Ok(()),
        Some((row, _, value)) => Err(InferError::OutputNotFinite {
            name: name.to_owned(),
            row,
            value,
        }),
    }
}

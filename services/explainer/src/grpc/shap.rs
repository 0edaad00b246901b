//! Shapley values: progress while the network runs, the values at the end.

use super::{Asked, Service, label};
use assay_answering::AnswerError;
use assay_api::{WireError, explain as wire, question, shap};
use assay_explain::{ImageValues, SegmentValues, ShapleyValues};
use assay_pipeline::Judge;
use assay_runtime::request::time_left;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tonic::{Request, Status};
use wire::explain_shap_response::Part;

/// Parts of the answer that wait to be fetched; while they do, the network rests.
const WAITING: usize = 4;

type Stream = <Service as wire::explain_service_server::ExplainService>::ExplainShapStream;

impl Service {
    pub(super) fn shap(
        &self,
        request: Request<wire::ExplainShapRequest>,
    ) -> Result<Stream, Status> {
        let left = time_left(request.metadata());
        let request = request.into_inner();
        let spec = shap::spec_from_wire(request.options.as_ref());
        let spec = spec.map_err(|error| error.within("options"))?;
        let label = match spec.top_classes {
            0 => label(request.label),
            _ => None,
        };
        let asked = Asked::of(request.request)?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let service = self.clone();
        let work = async move {
            let progress = sender.clone();
            // Where nobody fetches any more, nobody waits: the send fails, and the work ends.
            let watch = move |evals: usize, max_evals: usize| {
                let progress_part = Part::Progress(wire::ShapProgress {
                    evals: whole(evals),
                    max_evals: whole(max_evals),
                });
                progress.blocking_send(Ok(part(progress_part))).is_ok()
            };
            let wanted = (label, spec);
            let found = service
                .answerer
                .shapley(&asked.model, asked.question, wanted, watch, left)
                .await;
            let last = match found {
                Ok((judge, values)) => Ok(part(Part::Values(to_wire(&judge, &values)))),
                Err(AnswerError::Cancelled) => return,
                Err(error) => Err(status_of(&error, "options", &asked.field)),
            };
            // The same: an answer that nobody waits for is dropped.
            let _ = sender.send(last).await;
        };
        // The work goes on as long as somebody fetches, and ends with the stream.
        let work = stream::once(work).filter_map(async |()| None);
        let parts = stream::unfold(receiver, async |mut receiver| {
            Some((receiver.recv().await?, receiver))
        });
        Ok(stream::select(work, parts).boxed())
    }
}

/// The status of a failure; what is wrong with a setting is told by its field within `options`,
/// what is wrong with the spectrum by `spectrum`.
pub(super) fn status_of(error: &AnswerError, options: &str, spectrum: &str) -> Status {
    match error {
        AnswerError::Field {
            field: name @ ("segments" | "top_classes" | "max_evals"),
            reason,
        } => WireError::field(*name, reason).within(options).into(),
        error => question::status_of(error, spectrum),
    }
}

fn part(part: Part) -> wire::ExplainShapResponse {
    wire::ExplainShapResponse { part: Some(part) }
}

fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn to_wire(judge: &Judge, values: &ShapleyValues) -> wire::ShapValues {
    match values {
        ShapleyValues::Energies(found) => {
            let SegmentValues {
                edges_kev,
                classes,
                base,
                full,
                values,
                evals,
            } = found;
            let logits = (&**base, &**full);
            wire::ShapValues {
                edges_kev: edges_kev.clone(),
                classes: to_classes(judge, classes, logits, |at| values[at].clone()),
                evals: whole(*evals),
                blocks: Vec::new(),
            }
        }
        ShapleyValues::Image(found) => {
            let ImageValues {
                classes,
                base,
                full,
                blocks,
                evals,
                ..
            } = found;
            let logits = (&**base, &**full);
            let of_blocks = |at: usize| blocks.iter().map(|block| block.values[at]).collect();
            wire::ShapValues {
                edges_kev: Vec::new(),
                classes: to_classes(judge, classes, logits, of_blocks),
                evals: whole(*evals),
                blocks: blocks
                    .iter()
                    .map(|block| {
                        let (row, column) =
                            (found.span_kev(block.rows), found.span_kev(block.columns));
                        wire::ShapBlock {
                            row_from_kev: row.0,
                            row_to_kev: row.1,
                            column_from_kev: column.0,
                            column_to_kev: column.1,
                        }
                    })
                    .collect(),
            }
        }
    }
}

fn to_classes(
    judge: &Judge,
    classes: &[usize],
    (base, full): (&[f64], &[f64]),
    values: impl Fn(usize) -> Vec<f64>,
) -> Vec<wire::ClassShap> {
    let labels = &judge.bundle().contents().classes;
    let classes = classes.iter().enumerate();
    let classes = classes.map(|(at, &class)| wire::ClassShap {
        label: labels
            .get(class)
            .map(ToString::to_string)
            .unwrap_or_default(),
        base: base[at],
        logit: full[at],
        values: values(at),
    });
    classes.collect()
}

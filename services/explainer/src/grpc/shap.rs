//! Shapley values: progress while the network runs, the values at the end.

use super::{Asked, Service, label};
use assay_answering::AnswerError;
use assay_api::{WireError, explain as wire, question, shap, status};
use assay_explain::ShapleyValues;
use assay_pipeline::Judge;
use assay_runtime::request::time_left;
use futures::{StreamExt, stream};
use tokio::sync::mpsc::{self, error::TrySendError};
use tonic::{Request, Status};
use wire::explain_shap_response::Part;

/// Parts of the answer that wait to be fetched.
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
        let label = label(request.label);
        if label.is_some() && spec.top_classes > 0 {
            let reason = "excludes options.top_classes, which asks for the most probable classes; \
                          give one of them";
            return Err(status::invalid_field("label", reason));
        }
        let asked = Asked::of(request.request)?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let service = self.clone();
        let work = async move {
            let progress = sender.clone();
            // Where nobody fetches any more, nobody waits, and the work ends.
            let watch = move |evals: usize, max_evals: usize| {
                let progress_part = Part::Progress(wire::ShapProgress {
                    evals: whole(evals),
                    max_evals: whole(max_evals),
                });
                // A reader who is slow misses some progress and holds nothing up.
                !matches!(
                    progress.try_send(Ok(part(progress_part))),
                    Err(TrySendError::Closed(_))
                )
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
            field: name @ ("segments" | "top_classes" | "max_evals" | "blur" | "constant"),
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
    let classes = values.by_class(&judge.bundle().contents().classes);
    let classes = classes.into_iter().map(|class| wire::ClassShap {
        label: class.label,
        base: class.base,
        logit: class.logit,
        values: class.values,
    });
    let (edges_kev, blocks) = match values {
        ShapleyValues::Energies(found) => (found.edges_kev.clone(), Vec::new()),
        ShapleyValues::Image(found) => {
            let blocks = found.blocks.iter().map(|block| {
                let (row, column) = (found.span_kev(block.rows), found.span_kev(block.columns));
                wire::ShapBlock {
                    row_from_kev: row.0,
                    row_to_kev: row.1,
                    column_from_kev: column.0,
                    column_to_kev: column.1,
                }
            });
            (Vec::new(), blocks.collect())
        }
    };
    wire::ShapValues {
        edges_kev,
        classes: classes.collect(),
        evals: whole(values.evals()),
        blocks,
    }
}

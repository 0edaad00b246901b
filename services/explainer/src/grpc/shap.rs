//! Shapley values: progress while the network runs, the values at the end.

use super::{Asked, Service, label, number};
use assay_answering::AnswerError;
use assay_api::{explain as wire, question};
use assay_explain::{Outputs, SegmentValues, ShapleySettings};
use assay_pipeline::Judge;
use assay_runtime::request::time_left;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tonic::{Request, Status};
use wire::explain_shap_response::Part;

const MOST_CLASSES: u32 = 4;
const MOST_EVALS: u32 = 100_000;

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
        let usual = ShapleySettings::default();
        let settings = ShapleySettings {
            segments: number("segments", request.segments, usual.segments, (2, u32::MAX))?,
            max_evals: number(
                "max_evals",
                request.max_evals,
                usual.max_evals,
                (4, MOST_EVALS),
            )?,
            classes: Outputs::Highest(number(
                "top_classes",
                request.top_classes,
                1,
                (1, MOST_CLASSES),
            )?),
            ..usual
        };
        let label = match request.top_classes {
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
            let wanted = (label, settings);
            let found = service
                .answerer
                .shapley(&asked.model, asked.question, wanted, watch, left)
                .await;
            let last = match found {
                Ok((judge, values)) => Ok(part(Part::Values(to_wire(&judge, &values)))),
                Err(AnswerError::Cancelled) => return,
                Err(error) => Err(question::status_of(&error, &asked.field)),
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

fn part(part: Part) -> wire::ExplainShapResponse {
    wire::ExplainShapResponse { part: Some(part) }
}

fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn to_wire(judge: &Judge, values: &SegmentValues) -> wire::ShapValues {
    let labels = &judge.bundle().contents().classes;
    let classes = values.classes.iter().enumerate();
    let classes = classes.map(|(at, &class)| wire::ClassShap {
        label: labels
            .get(class)
            .map(ToString::to_string)
            .unwrap_or_default(),
        base: values.base[at],
        logit: values.full[at],
        values: values.values[at].clone(),
    });
    wire::ShapValues {
        edges_kev: values.edges_kev.clone(),
        classes: classes.collect(),
        evals: whole(values.evals),
    }
}

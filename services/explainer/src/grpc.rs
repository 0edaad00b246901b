//! Explanations over gRPC.

use assay_answering::{Answerer, Wanted};
use assay_api::{answer, explain as wire, question, status};
use assay_runtime::request::time_left;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Regions that are listed where nobody says how many.
pub(crate) const REGIONS: usize = 10;
const MOST_REGIONS: u32 = 100;

pub(crate) struct Service {
    pub(crate) answerer: Arc<Answerer>,
}

#[tonic::async_trait]
impl wire::explain_service_server::ExplainService for Service {
    async fn explain(
        &self,
        request: Request<wire::ExplainRequest>,
    ) -> Result<Response<wire::ExplainResponse>, Status> {
        let left = time_left(request.metadata());
        let request = request.into_inner();
        let regions = match request.regions {
            0 => REGIONS,
            1..=MOST_REGIONS => request.regions as usize,
            found => {
                let reason = format!("is {found}; allowed: 0 to {MOST_REGIONS}");
                return Err(status::invalid_field("regions", reason));
            }
        };
        let asked = request
            .request
            .ok_or_else(|| status::invalid_field("request", "is missing"))?;
        let model = asked.model.clone();
        let field = format!("request.{}", question::field_of(&asked));
        let question = question::from_wire(asked).map_err(|error| error.within("request"))?;
        let wanted = Wanted {
            label: (!request.label.is_empty()).then_some(request.label),
            regions,
        };
        let explained = self.answerer.explain(&model, question, wanted, left).await;
        let explained = explained.map_err(|error| question::status_of(&error, &field))?;
        let regions = explained.regions.iter().map(|region| wire::Region {
            from_kev: region.from_kev,
            to_kev: region.to_kev,
            peak_kev: region.peak_kev,
            share: region.share,
        });
        Ok(Response::new(wire::ExplainResponse {
            answer: Some(answer::to_wire(&explained.answer)),
            label: explained.label,
            regions: regions.collect(),
            energy_kev: explained.energy_kev,
            importance: explained.importance,
            input: explained.input,
        }))
    }
}

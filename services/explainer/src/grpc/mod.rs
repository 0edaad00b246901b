//! Explanations over gRPC.

mod cam;
mod peaks;
mod report;
mod shap;

use assay_answering::{Answerer, Question};
use assay_api::{WireError, explain as wire, gate::IdentifyRequest, question, status};
use futures::stream::BoxStream;
use std::sync::Arc;
use tonic::{Request, Response, Status};

pub(crate) use cam::REGIONS;

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) answerer: Arc<Answerer>,
}

/// A question as every request brings it.
struct Asked {
    model: String,
    question: Question,
    /// The field that brought the spectrum.
    field: String,
}

impl Asked {
    fn of(request: Option<IdentifyRequest>) -> Result<Self, Status> {
        let asked = request.ok_or_else(|| status::invalid_field("request", "is missing"))?;
        let model = asked.model.clone();
        let field = format!("request.{}", question::field_of(&asked));
        let question = question::from_wire(asked).map_err(|error| error.within("request"))?;
        Ok(Self {
            model,
            question,
            field,
        })
    }
}

/// An empty label asks for the most probable class.
fn label(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A number of which 0 stands for the usual one.
fn number(
    field: &str,
    found: u32,
    usual: usize,
    (least, most): (u32, u32),
) -> Result<usize, WireError> {
    match found {
        0 => Ok(usual),
        found if (least..=most).contains(&found) => Ok(found as usize),
        found => {
            let between = if least > 1 {
                format!("or {least} ")
            } else {
                String::new()
            };
            let reason = format!("is {found}; allowed: 0 {between}to {most}");
            Err(WireError::field(field, reason))
        }
    }
}

#[tonic::async_trait]
impl wire::explain_service_server::ExplainService for Service {
    async fn explain_cam(
        &self,
        request: Request<wire::ExplainCamRequest>,
    ) -> Result<Response<wire::ExplainCamResponse>, Status> {
        self.cam(request).await.map(Response::new)
    }

    async fn explain_peaks(
        &self,
        request: Request<wire::ExplainPeaksRequest>,
    ) -> Result<Response<wire::ExplainPeaksResponse>, Status> {
        self.peaks(request).await.map(Response::new)
    }

    type ExplainShapStream = BoxStream<'static, Result<wire::ExplainShapResponse, Status>>;

    async fn explain_shap(
        &self,
        request: Request<wire::ExplainShapRequest>,
    ) -> Result<Response<Self::ExplainShapStream>, Status> {
        self.shap(request).map(Response::new)
    }

    type RenderReportStream = BoxStream<'static, Result<wire::RenderReportResponse, Status>>;

    async fn render_report(
        &self,
        request: Request<wire::RenderReportRequest>,
    ) -> Result<Response<Self::RenderReportStream>, Status> {
        let made = self.report(request).await?;
        Ok(Response::new(made.into_parts()))
    }
}

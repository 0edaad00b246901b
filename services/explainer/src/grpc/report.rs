//! Pages and figures.

use super::{Asked, Service, label, peaks, shap::status_of};
use assay_answering::{Reasons, ReasonsAsked};
use assay_api::{class_map, explain as wire, shap, status};
use assay_core::Classified;
use assay_explain::{CamSettings, map_importances};
use assay_report::explanation::{Drawing, Explanation, image_figure, render_html, spectrum_figure};
use assay_reporting::explanation::{
    Activation, ContentError, ExplanationParts, ShapleyParts, explanation,
};
use assay_runtime::request::time_left;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};
use tonic::{Request, Status};
use wire::ReportFormat;

/// Bytes of one part.
const CHUNK_BYTES: usize = 256 << 10;

/// Pixels of a PNG for each unit of the drawing.
const PNG_SCALE: f32 = 2.0;

impl Service {
    pub(super) async fn report(
        &self,
        request: Request<wire::RenderReportRequest>,
    ) -> Result<Made, Status> {
        let left = time_left(request.metadata());
        let request = request.into_inner();
        let format = ReportFormat::try_from(request.format).map_err(|_| {
            status::invalid_field("format", format!("is {}; allowed: 0 to 6", request.format))
        })?;
        let evidence = peaks::settings(request.most_peaks)?;
        let cam = class_map::settings_from_wire(request.style, request.reduction)?;
        let shapley = request
            .shap
            .as_ref()
            .map(|options| shap::spec_from_wire(Some(options)))
            .transpose()
            .map_err(|error| error.within("shap"))?;
        let method = shapley.as_ref().map(|spec| spec.in_words());
        let named = request
            .request
            .as_ref()
            .map(|asked| asked.file_name.clone());
        let asked = Asked::of(request.request)?;
        let wanted = ReasonsAsked {
            label: label(request.label),
            cam,
            peaks: (!request.no_peaks).then_some(evidence),
            shapley,
        };
        let reasons = self
            .answerer
            .reasons(&asked.model, asked.question, wanted, left)
            .await
            .map_err(|error| status_of(&error, "shap", &asked.field))?;
        let name = match named {
            Some(name) if !name.is_empty() => name,
            _ => format!("spectrum {}", reasons.prepared.digest().short()),
        };
        let drawn = tokio::task::spawn_blocking(move || {
            let content = content(&reasons, &name, (cam, method.as_deref()));
            draw(&content.map_err(Fault::of)?, format)
        });
        let drawn = drawn.await.map_err(status::defect)?;
        drawn.map_err(Fault::into_status)
    }
}

/// Everything on the page.
fn content(
    reasons: &Reasons,
    name: &str,
    (cam, method): (CamSettings, Option<&str>),
) -> Result<Explanation, ContentError> {
    let (judge, explained) = (&reasons.judge, &reasons.explained);
    let classes = &judge.bundle().contents().classes;
    let class = classes
        .iter()
        .position(|class| class.as_str() == explained.label);
    let class = class.unwrap_or_default();
    let map = explained.map.symmetric()?;
    let importances = map_importances(judge.bundle(), &explained.map, class, cam.reduction)?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH);
    let created = assay_reporting::utc(seconds.map_or(0, |time| time.as_secs()));
    let shapley = reasons.shapley.as_ref().zip(method);
    explanation(&ExplanationParts {
        judge,
        prepared: &reasons.prepared,
        file: name,
        answer: &explained.answer,
        logits: &explained.logits,
        class,
        activation: Some(Activation {
            settings: cam,
            map: &map,
            importances: &importances,
        }),
        peaks: reasons.peaks.as_ref(),
        shapley: shapley.map(|(values, method)| ShapleyParts { method, values }),
        created: Some(&created),
    })
}

fn draw(explanation: &Explanation, format: ReportFormat) -> Result<Made, Fault> {
    let png = |figure: &Drawing| figure.to_png(PNG_SCALE).map_err(Fault::of);
    let svg = |figure: &Drawing| Ok(figure.to_svg().map_err(Fault::of)?.into_bytes());
    let spectrum = || spectrum_figure(explanation).map_err(Fault::of);
    let image = || {
        image_figure(explanation)
            .map_err(Fault::of)?
            .ok_or(Fault::NoImage)
    };
    let (content, media_type, file_name) = match format {
        ReportFormat::Unspecified | ReportFormat::Html => {
            let page = render_html(explanation).map_err(Fault::of)?;
            (
                page.into_bytes(),
                "text/html; charset=utf-8",
                "explanation.html",
            )
        }
        ReportFormat::Json => {
            let json = explanation.to_json().map_err(Fault::of)?;
            (json.into_bytes(), "application/json", "explanation.json")
        }
        ReportFormat::SpectrumPng => (png(&spectrum()?)?, "image/png", "spectrum.png"),
        ReportFormat::SpectrumSvg => (svg(&spectrum()?)?, "image/svg+xml", "spectrum.svg"),
        ReportFormat::ImagePng => (png(&image()?)?, "image/png", "image.png"),
        ReportFormat::ImageSvg => (svg(&image()?)?, "image/svg+xml", "image.svg"),
    };
    Ok(Made {
        content,
        media_type,
        file_name,
    })
}

/// What was made, as a whole.
pub(super) struct Made {
    content: Vec<u8>,
    media_type: &'static str,
    file_name: &'static str,
}

impl Made {
    /// In parts that every client takes. There is at least one.
    pub(super) fn into_parts(
        self,
    ) -> BoxStream<'static, Result<wire::RenderReportResponse, Status>> {
        let total_bytes = self.content.len() as u64;
        let named = |first: bool, name: &str| {
            if first {
                name.to_owned()
            } else {
                String::new()
            }
        };
        let mut parts: Vec<_> = self
            .content
            .chunks(CHUNK_BYTES)
            .enumerate()
            .map(|(at, chunk)| {
                Ok(wire::RenderReportResponse {
                    chunk: chunk.to_vec(),
                    media_type: named(at == 0, self.media_type),
                    file_name: named(at == 0, self.file_name),
                    total_bytes,
                })
            })
            .collect();
        if parts.is_empty() {
            parts.push(Err(status::defect("nothing was made")));
        }
        stream::iter(parts).boxed()
    }
}

/// Why nothing could be drawn.
enum Fault {
    NoImage,
    /// The content was made here: what is wrong with it is our own fault.
    Defect(String),
}

impl Fault {
    fn of(error: impl Classified + fmt::Display) -> Self {
        Self::Defect(error.to_string())
    }

    fn into_status(self) -> Status {
        match self {
            Self::NoImage => Status::failed_precondition(
                "the model works on the spectrum itself and makes no image; ask for a figure of the \
                 spectrum",
            ),
            Self::Defect(reason) => status::defect(reason),
        }
    }
}

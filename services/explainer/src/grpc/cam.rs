//! Class activation maps.

use super::{Asked, Service, label, number};
use assay_answering::Wanted;
use assay_api::{answer, class_map, explain as wire, question};
use assay_runtime::request::time_left;
use tonic::{Request, Status};

/// Regions that are listed where nobody says how many.
pub(crate) const REGIONS: usize = 10;
const MOST_REGIONS: u32 = 100;

impl Service {
    pub(super) async fn cam(
        &self,
        request: Request<wire::ExplainCamRequest>,
    ) -> Result<wire::ExplainCamResponse, Status> {
        let left = time_left(request.metadata());
        let request = request.into_inner();
        let wanted = Wanted {
            label: label(request.label),
            regions: number("regions", request.regions, REGIONS, (1, MOST_REGIONS))?,
            cam: class_map::settings_from_wire(request.style, request.reduction)?,
        };
        let asked = Asked::of(request.request)?;
        let explained = self
            .answerer
            .explain(&asked.model, asked.question, wanted, left)
            .await
            .map_err(|error| question::status_of(&error, &asked.field))?;
        let regions = explained.regions.iter().map(|region| wire::Region {
            from_kev: region.from_kev,
            to_kev: region.to_kev,
            peak_kev: region.peak_kev,
            share: region.share,
        });
        Ok(wire::ExplainCamResponse {
            answer: Some(answer::to_wire(&explained.answer)),
            label: explained.label,
            regions: regions.collect(),
            energy_kev: explained.energy_kev,
            importance: explained.importance,
            input: explained.input,
            map: Some(class_map::to_wire(&explained.map)),
        })
    }
}

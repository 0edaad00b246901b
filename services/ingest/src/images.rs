//! Images of spectra: what is asked, and the picture or array that answers it.

use crate::{IngestConfig, IngestError, measure, recipes::Recipes, shelf::Shelf};
use assay_api::{
    field,
    ingest::{FieldKind, ImageEncoding, RenderImageRequest, RenderImageStreamRequest},
};
use assay_core::Digest;
use assay_gramian::{Field, Imaging, Rendering, render_png};
use assay_spectrum::{Recipe, Spectrum};
use ndarray_npy::WriteNpyExt;
use std::{sync::Arc, time::Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Side of an image for which no size is asked.
const USUAL_SIDE: usize = 512;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    pub(crate) digest: Digest,
    pub(crate) field: Field,
    /// 0 for the usual one.
    pub(crate) size: usize,
    pub(crate) encoding: Encoding,
    pub(crate) model: String,
}

/// How an image is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Png,
    Npy,
}

impl Encoding {
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Npy => "application/x-npy",
        }
    }
}

/// An image, and the right to keep it in memory.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) bytes: Vec<u8>,
    pub(crate) side: usize,
    pub(crate) encoding: Encoding,
    _room: OwnedSemaphorePermit,
}

impl Wish {
    pub(crate) fn of(request: RenderImageRequest) -> Result<Self, IngestError> {
        let asked = field::known("field", request.field, FieldKind::as_str_name)?;
        let encoding = field::known("encoding", request.encoding, ImageEncoding::as_str_name)?;
        Ok(Self {
            digest: field::digest("digest", &request.digest)?,
            field: match asked {
                FieldKind::Unspecified | FieldKind::Difference => Field::Difference,
                FieldKind::Summation => Field::Summation,
            },
            size: request.size as usize,
            encoding: match encoding {
                ImageEncoding::Unspecified | ImageEncoding::Png => Encoding::Png,
                ImageEncoding::Npy => Encoding::Npy,
            },
            model: request.model,
        })
    }

    pub(crate) fn of_stream(request: RenderImageStreamRequest) -> Result<Self, IngestError> {
        Self::of(RenderImageRequest {
            digest: request.digest,
            field: request.field,
            size: request.size,
            encoding: request.encoding,
            model: request.model,
        })
    }
}

/// Makes images, a few at a time.
pub(crate) struct Studio {
    recipes: Recipes,
    rooms: Arc<Semaphore>,
    painters: Arc<Semaphore>,
    max_images: usize,
    max_side: usize,
}

impl Studio {
    pub(crate) fn new(config: &IngestConfig, recipes: Recipes) -> Self {
        Self {
            recipes,
            rooms: Arc::new(Semaphore::new(config.max_images)),
            painters: Arc::new(Semaphore::new(config.painters)),
            max_images: config.max_images,
            max_side: config.max_image_side,
        }
    }

    /// The image that is asked for, if it is no larger than `most_bytes`.
    pub(crate) async fn make(
        &self,
        shelf: &Shelf,
        wish: Wish,
        most_bytes: Option<usize>,
    ) -> Result<Image, IngestError> {
        let limit = self.max_images;
        let room = Arc::clone(&self.rooms)
            .try_acquire_owned()
            .map_err(|_| IngestError::Busy { limit })?;
        let recipe = self.recipes.of(&wish.model).await?;
        let side = self.side(wish.size, recipe.bins())?;
        let encoding = wish.encoding;
        if encoding == Encoding::Npy {
            fits(4 * side * side, side, most_bytes)?;
        }
        let spectrum = shelf.get(wish.digest).await?.reading.spectrum;
        let painters = Arc::clone(&self.painters);
        let painter = painters
            .acquire_owned()
            .await
            .map_err(IngestError::defect)?;
        let begun = Instant::now();
        // Both places go with the work: a caller who leaves does not stop it, and many who ask and
        // leave must not have more of it done at once.
        let paint = move || {
            let _painter = painter;
            painted(&spectrum, &recipe, &wish, side).map(|bytes| (bytes, room))
        };
        let (bytes, room) = tokio::task::spawn_blocking(paint)
            .await
            .map_err(IngestError::defect)??;
        measure::stage("image", begun);
        fits(bytes.len(), side, most_bytes)?;
        Ok(Image {
            bytes,
            side,
            encoding,
            _room: room,
        })
    }

    fn side(&self, asked: usize, bins: usize) -> Result<usize, IngestError> {
        let most = bins.min(self.max_side);
        let side = match asked {
            0 => most.min(USUAL_SIDE),
            side => side,
        };
        if (2..=most).contains(&side) {
            return Ok(side);
        }
        let reason = format!("is {side}; allowed: 2 to {most} pixels, or 0 for the usual size");
        Err(IngestError::field("size", reason))
    }
}

fn fits(bytes: usize, side: usize, most_bytes: Option<usize>) -> Result<(), IngestError> {
    match most_bytes {
        Some(most) if bytes > most => {
            let reason = format!(
                "is {side}, which makes an image of {bytes} bytes; a message holds {most}: ask \
                 for a smaller size or call RenderImageStream"
            );
            Err(IngestError::field("size", reason))
        }
        _ => Ok(()),
    }
}

fn painted(
    spectrum: &Spectrum,
    recipe: &Recipe,
    wish: &Wish,
    side: usize,
) -> Result<Vec<u8>, IngestError> {
    let digest = wish.digest;
    let vector = recipe
        .apply(spectrum)
        .map_err(|source| IngestError::Unsuitable {
            digest,
            source: Box::new(source),
        })?;
    // A network sees single precision; the image shows what it sees.
    let seen: Vec<f64> = vector.iter().map(|&x| f64::from(x as f32)).collect();
    let imaging = Imaging {
        field: wish.field,
        size: side,
        ..Imaging::default()
    };
    let image = imaging.image_f32(&seen)?;
    match wish.encoding {
        Encoding::Png => {
            let how = Rendering {
                max_side: side,
                ..Rendering::default()
            };
            Ok(render_png(image.view(), &how)?)
        }
        Encoding::Npy => {
            let mut bytes = Vec::with_capacity(4 * side * side + 128);
            image.write_npy(&mut bytes).map_err(IngestError::defect)?;
            Ok(bytes)
        }
    }
}

//! A model whose thread ended is told and loaded again; the others go on.

use super::*;
use crate::{
    model::{Limits, Task},
    pool::PoolSettings,
};
use assay_infer::OnnxRuntime;
use assay_pipeline::{Bundle, fixture};
use assay_store::{ObjectRegistry, VersionOrigin};
use std::time::Duration;

async fn serve(registry: &ObjectRegistry, name: &str, bundle: &Bundle) {
    let files = bundle.files().into_iter();
    let files = files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec().into()));
    let origin = VersionOrigin::default();
    let put = registry.put(name, "1", bundle.id(), files.collect(), origin);
    put.await.unwrap();
    let promote = registry.promote(name, PRODUCTION, "1", None, "");
    promote.await.unwrap();
}

fn names(registry: ObjectRegistry) -> Arc<Names> {
    let config = InferenceConfig {
        threads: std::num::NonZeroUsize::new(1),
        ..InferenceConfig::default()
    };
    let settings = PoolSettings {
        runtime: OnnxRuntime::load(None).unwrap(),
        session: config.session(),
        limits: Limits {
            batch_pixels: 1,
            batch_rows: 8,
            queue_rows: 8,
        },
        places: 4,
        refusal: Duration::from_secs(300),
    };
    let registry = Arc::new(registry);
    let pool = Pool::new(registry.clone(), settings);
    Names::new(registry, pool, config).unwrap()
}

async fn refreshed(names: &Arc<Names>) {
    names.refresh().await.unwrap().join_all().await;
}

fn states(names: &Names) -> Vec<(String, State)> {
    let rows = names.status().into_iter();
    rows.map(|row| (row.name, row.state)).collect()
}

async fn answers(model: &Model) -> bool {
    let vector = vec![-10.0; model.bins()];
    let run = model.run(Task::Features, vec![vector], None);
    run.await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_whose_thread_ended_is_told_and_loaded_again_while_others_answer() {
    let folder = tempfile::tempdir().unwrap();
    let registry = ObjectRegistry::local(folder.path()).unwrap();
    let bundle = fixture::bundle();
    serve(&registry, "default", &bundle).await;
    serve(&registry, "other", &fixture::renamed(&bundle, 1)).await;
    let names = names(registry);
    refreshed(&names).await;
    let (ours, other) = ("default@production", "other@production");
    let both = |first, second| vec![(ours.to_owned(), first), (other.to_owned(), second)];
    assert_eq!(states(&names), both(State::Serving, State::Serving));
    assert!(names.all_ready());

    let broken = names.resolve("default").await.unwrap().model;
    broken.fail();
    assert!(!answers(&broken).await);
    assert_eq!(states(&names), both(State::Loading, State::Serving));
    let reason = names.status().swap_remove(0).reason;
    assert!(reason.contains("defect"), "{reason}");
    assert!(!names.all_ready());
    assert_eq!(names.in_memory("default").unwrap(), None);
    assert!(answers(&names.resolve("other").await.unwrap().model).await);

    // By whoever asks for it next,
    let again = names.resolve("default").await.unwrap().model;
    assert!(!Arc::ptr_eq(&again, &broken) && answers(&again).await);
    assert!(names.all_ready());
    assert_eq!(states(&names), both(State::Serving, State::Serving));

    // or by the next reading of the registry, where nobody asks.
    again.fail();
    assert_eq!(states(&names), both(State::Loading, State::Serving));
    refreshed(&names).await;
    assert_eq!(states(&names), both(State::Serving, State::Serving));

    // Where it cannot be loaded again, it is refused and the other goes on.
    let again = names.resolve("default").await.unwrap().model;
    again.fail();
    std::fs::remove_dir_all(folder.path().join("files")).unwrap();
    refreshed(&names).await;
    assert_eq!(states(&names), both(State::Refused, State::Serving));
    assert!(!names.all_ready(), "what was served cannot answer");
    let reason = names.status().swap_remove(0).reason;
    assert!(reason.contains("missing"), "{reason}");
    assert!(answers(&names.resolve("other").await.unwrap().model).await);
    assert!(names.resolve("default").await.is_err());
}

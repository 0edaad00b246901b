//! Data sets, models and bundles that are asked for or sent wrongly.

use crate::case::{Case, DATASETS, REGISTRY, Stage, absent, no_digests, path};
use assay_api::openassay::{
    datasets::v1::{CreateDatasetRequest, DatasetRow, GetDatasetRequest},
    registry::v1::{
        DescribeVersionRequest, GetBundleRequest, PromoteRequest, PutBundleRequest, RollBackRequest,
    },
};
use assay_e2e::raw::Call;
use tonic::Code;

pub(crate) fn cases(stage: &Stage) -> Vec<Case> {
    let mut cases = datasets(stage);
    cases.extend(models(stage));
    cases.extend(uploads());
    cases
}

fn datasets(stage: &Stage) -> Vec<Case> {
    let good = || DatasetRow {
        spectrum_digest: stage.spectrum.clone(),
        label: "Steel".to_owned(),
        role: 1,
        ..DatasetRow::default()
    };
    let create = (DATASETS, "CreateDataset");
    let of = |rows: Vec<DatasetRow>| CreateDatasetRequest { rows };
    let mut cases = vec![
        Case::field("no rows", create, &of(Vec::new()), "rows"),
        Case::field(
            "100,001 rows",
            create,
            &of(vec![DatasetRow::default(); 100_001]),
            "rows",
        ),
    ];
    let mut wrong = |name: &str, field: &str, change: &dyn Fn(&mut DatasetRow)| {
        let mut bad = good();
        change(&mut bad);
        let request = of(vec![good(), bad]);
        cases.push(Case::field(
            name,
            create,
            &request,
            &format!("rows[1].{field}"),
        ));
    };
    for digest in no_digests() {
        let name = format!("row {digest:?}");
        wrong(&name, "spectrum_digest", &|r| {
            r.spectrum_digest.clone_from(&digest)
        });
    }
    wrong("role 3", "role", &|r| r.role = 3);
    wrong("role -1", "role", &|r| r.role = -1);
    wrong("both roles", "role", &|r| r.role = 2);
    wrong("a reserved label", "label", &|r| {
        r.label = "UNKNOWN".to_owned()
    });
    wrong("a label of two lines", "label", &|r| {
        r.label = "a\nb".to_owned()
    });
    wrong("a long label", "label", &|r| r.label = "x".repeat(257));
    wrong("a long group", "group", &|r| r.group = "x".repeat(257));
    wrong("a long file name", "file_name", &|r| {
        r.file_name = "x".repeat(1025)
    });
    let absent_row = DatasetRow {
        spectrum_digest: absent(),
        ..good()
    };
    cases.push(Case::missing(
        "a spectrum that is not there",
        create,
        &of(vec![absent_row]),
    ));
    let get = (DATASETS, "GetDataset");
    let named = |digest: &str| GetDatasetRequest {
        digest: digest.to_owned(),
    };
    for digest in no_digests().into_iter().chain([stage.spectrum.clone()]) {
        cases.push(Case::field(
            format!("data set {digest:?}"),
            get,
            &named(&digest),
            "digest",
        ));
    }
    cases.push(Case::missing("no such data set", get, &named(&absent())));
    cases
}

fn models(stage: &Stage) -> Vec<Case> {
    let mut cases = Vec::new();
    let (describe, get) = ((REGISTRY, "DescribeVersion"), (REGISTRY, "GetBundle"));
    for model in ["nothing", "default@nothing", "default:nothing", &absent()] {
        let (name, model) = (format!("model {model}"), model.to_owned());
        let get_bundle = GetBundleRequest {
            model: model.clone(),
        };
        cases.push(Case::missing(&name, get, &get_bundle));
        cases.push(Case::missing(
            &name,
            describe,
            &DescribeVersionRequest { model },
        ));
    }
    for model in ["../x", "a b", "a/b"] {
        let (name, model) = (format!("model {model}"), model.to_owned());
        let get_bundle = GetBundleRequest {
            model: model.clone(),
        };
        cases.push(Case::field(&name, get, &get_bundle, "model"));
        cases.push(Case::field(
            &name,
            describe,
            &DescribeVersionRequest { model },
            "model",
        ));
    }
    let promote = |name: &str, alias: &str, version: &str| PromoteRequest {
        name: name.to_owned(),
        alias: alias.to_owned(),
        version: version.to_owned(),
        expected_version: String::new(),
    };
    let roll_back = |name: &str, alias: &str| RollBackRequest {
        name: name.to_owned(),
        alias: alias.to_owned(),
    };
    let version = &stage.bundle[..12];
    let method = (REGISTRY, "Promote");
    let back = (REGISTRY, "RollBack");
    cases.extend([
        Case::field("model ../x", method, &promote("../x", "", version), "model"),
        Case::field(
            "alias ../x",
            method,
            &promote("default", "../x", version),
            "alias",
        ),
        Case::field(
            "version ../x",
            method,
            &promote("default", "", "../x"),
            "version",
        ),
        Case::missing(
            "no such version",
            method,
            &promote("default", "", "nothing"),
        ),
        Case::missing("no such model", method, &promote("nothing", "", version)),
        Case::field("back of ../x", back, &roll_back("../x", ""), "model"),
        Case::missing("back of no model", back, &roll_back("nothing", "")),
        Case::missing("back of no alias", back, &roll_back("default", "nothing")),
    ]);
    let unexpected = PromoteRequest {
        expected_version: "another".to_owned(),
        ..promote("default", "", version)
    };
    let call = Call::of(&path(REGISTRY, "Promote"), &unexpected);
    cases.push(Case::refused(
        "another version expected",
        call,
        Code::FailedPrecondition,
    ));
    cases
}

fn uploads() -> Vec<Case> {
    let good = || PutBundleRequest {
        name: "upload".to_owned(),
        version: String::new(),
        file_name: "model.onnx".to_owned(),
        chunk: vec![1, 2, 3],
    };
    let method = (REGISTRY, "PutBundle");
    let mut cases = Vec::new();
    let mut wrong = |name: &str, field: &str, change: &dyn Fn(&mut PutBundleRequest)| {
        let mut request = good();
        change(&mut request);
        cases.push(Case::field(name, method, &request, field));
    };
    for file in [
        "",
        "../../x",
        "/etc/passwd",
        "model.onnx/..",
        "other.bin",
        "\0",
    ] {
        wrong(&format!("file {file:?}"), "file_name", &|r| {
            r.file_name = file.to_owned()
        });
    }
    wrong("name a/b", "name", &|r| r.name = "a/b".to_owned());
    wrong("no name", "name", &|r| r.name.clear());
    wrong("version ..", "version", &|r| r.version = "..".to_owned());
    wrong("a chunk of 2 MiB", "chunk", &|r| r.chunk = vec![0; 2 << 20]);
    let rubbish = Call::of(&path(REGISTRY, "PutBundle"), &good());
    cases.push(Case::refused(
        "a file that is no model",
        rubbish,
        Code::InvalidArgument,
    ));
    cases
}

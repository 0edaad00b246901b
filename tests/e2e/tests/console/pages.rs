//! The pages as a browser gets them.

use assay_e2e::{
    http1::{Question, address},
    server::Server,
};

#[test]
fn pages_come_with_their_types_and_may_do_little() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]).unwrap();
    let to = address(&server.url).unwrap();
    for (path, status, kind) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/console/app.js", 200, "text/javascript; charset=utf-8"),
        ("/console/base.css", 200, "text/css; charset=utf-8"),
        ("/console/icon.svg", 200, "image/svg+xml"),
        ("/console/schema.json", 200, "application/json"),
        ("/nothing", 404, "text/html; charset=utf-8"),
        (
            "/openassay.gate.v1.GateService/Identify",
            404,
            "text/html; charset=utf-8",
        ),
    ] {
        let answer = Question::get(path).send(to).unwrap();
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let app = Question::get("/console/app.js");
    let tag = app.send(to).unwrap().header("etag").unwrap().to_owned();
    let again = app.header("if-none-match", tag).send(to).unwrap();
    assert_eq!(again.status, 304);
    assert!(again.body().unwrap().is_empty());
    let head = Question::get("/").method("HEAD").send(to).unwrap();
    assert_eq!(head.status, 200);
}

#[test]
fn every_address_in_the_pages_leads_to_this_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]).unwrap();
    let to = address(&server.url).unwrap();
    let mut todo = vec!["/".to_owned()];
    let mut seen = Vec::new();
    while let Some(path) = todo.pop() {
        if seen.contains(&path) {
            continue;
        }
        let answer = Question::get(&path).send(to).unwrap();
        assert_eq!(answer.status, 200, "{path}");
        let text = String::from_utf8(answer.body().unwrap()).unwrap();
        let text = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !text.contains("http://") && !text.contains("https://"),
            "{path}"
        );
        for mark in ["href=\"/", "src=\"/"] {
            let links = text.split(mark).skip(1);
            todo.extend(links.map(|rest| format!("/{}", rest.split('"').next().unwrap())));
        }
        let imports = text.split(" from \"./").skip(1);
        todo.extend(imports.map(|rest| format!("/console/{}", rest.split('"').next().unwrap())));
        seen.push(path);
    }
    assert!(seen.len() > 20, "{seen:?}");
}

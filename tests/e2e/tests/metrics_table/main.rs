//! Every metric that the services emit is in the table that people look it up in.

mod names;

use assay_e2e::checkout;

#[test]
fn the_table_of_metrics_is_that_of_the_sources() {
    let root = checkout::root().unwrap();
    let Some(files) = checkout::files(&root).unwrap() else {
        eprintln!("SKIPPED the_table_of_metrics_is_that_of_the_sources: this is no git checkout");
        return;
    };
    let violations = names::violations(&files);
    assert!(violations.is_empty(), "\n  {}\n", violations.join("\n  "));
}

//! Set-up: looks at what is there, tells what will happen, then downloads and unpacks it.

use crate::{
    checkout::{Checkout, user_cache},
    compile, download, lock, machine,
    plan::{Places, Plan, PythonNeed},
    python::Packages,
    stamp, unpack,
    wheel_cache::WheelCache,
    wheels::{COMPONENTS, LIBTORCH},
};
use anyhow::{Result, bail, ensure};
use std::{path::Path, time::Instant};

/// What to set up beyond the native libraries and the bases.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// The Python packages of the tests.
    pub(crate) tests: bool,
}

/// `cargo xtask setup`: set-up and nothing else, so it says what comes next.
pub(crate) fn alone(checkout: &Checkout, tests: bool, offline: bool) -> Result<()> {
    run(checkout, Wanted { tests }, offline)?;
    if let Err(lack) = machine::check_compiler() {
        eprintln!("before building: {lack:#}");
    }
    eprintln!("set-up is complete; next: `cargo xtask demo` or `cargo xtask test`");
    compile::announce_first_build(compile::Profile::Release)
}

/// Sets up what is not there yet. A second run finds everything and does nothing.
pub(crate) fn run(checkout: &Checkout, wanted: Wanted, offline: bool) -> Result<()> {
    machine::check_platform()?;
    let state = checkout.state();
    let _lock = lock::take(&state)?;
    let user_cache = user_cache()?;
    let cache = WheelCache::below(&user_cache);
    let packages = match wanted.tests {
        true => Some(Packages::of(checkout, &user_cache)?),
        false => None,
    };
    let python = packages
        .as_ref()
        .map_or(PythonNeed::Nothing, Packages::need);
    let foreign = checkout.foreign_libtorch();
    if let Some(folder) = &foreign {
        check_foreign(folder)?;
    }
    let components = COMPONENTS
        .iter()
        .filter(|c| foreign.is_none() || c.name != LIBTORCH);
    let plan = Plan::new(
        components,
        |component| stamp::is_current(&state, component),
        |wheel| cache.holds(wheel),
        python,
    )?;
    if plan.is_empty() {
        return Ok(());
    }
    let places = Places {
        state: &state,
        cache: &user_cache,
    };
    if let Some(report) = plan.offline_report(&places).filter(|_| offline) {
        bail!("{report}");
    }
    eprint!("{}", plan.announcement(&places));
    carry_out(&plan, &places, &cache, packages.as_ref())
}

/// A libtorch that the user's environment names is taken as it is, when it can be the right one.
fn check_foreign(folder: &Path) -> Result<()> {
    ensure!(
        folder.join("lib/libtorch_cpu.so").is_file(),
        "LIBTORCH names {}, where there is no lib/libtorch_cpu.so: unset it to use the pinned \
         libtorch, or name a libtorch 2.11.0",
        folder.display()
    );
    eprintln!(
        "LIBTORCH names {}: the pinned libtorch is not set up",
        folder.display()
    );
    Ok(())
}

fn carry_out(
    plan: &Plan,
    places: &Places,
    cache: &WheelCache,
    packages: Option<&Packages>,
) -> Result<()> {
    let started = Instant::now();
    if plan.needs_network() || plan.python != PythonNeed::Nothing {
        machine::check_pip()?;
    }
    machine::check_disk(&[
        (places.cache, plan.cache_bytes()),
        (places.state, plan.unpacked_bytes()),
    ])?;
    if plan.needs_network() {
        let _lock = lock::take(places.cache)?;
        cache.sweep()?;
        let outcome = download_all(plan, cache, packages);
        cache.sweep()?;
        outcome?;
    }
    unpack_all(plan, places.state, cache)?;
    if let Some(packages) = packages.filter(|_| plan.python != PythonNeed::Nothing) {
        packages.install(places.state)?;
    }
    eprintln!("  set up in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn download_all(plan: &Plan, cache: &WheelCache, packages: Option<&Packages>) -> Result<()> {
    for wheel in &plan.download {
        // Another checkout may have fetched it while this one waited for the lock.
        if !cache.holds(wheel)? {
            download::fetch(cache, wheel)?;
        }
    }
    match packages {
        Some(packages) if plan.python == PythonNeed::Download => packages.download(cache),
        _ => Ok(()),
    }
}

fn unpack_all(plan: &Plan, state: &Path, cache: &WheelCache) -> Result<()> {
    for component in &plan.unpack {
        let started = Instant::now();
        unpack::component(state, component, cache)?;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("  unpacked {} in {seconds:.1} s", component.name);
    }
    Ok(())
}

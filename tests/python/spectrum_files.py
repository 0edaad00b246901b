"""Reads CHN and N42 files that this project wrote with SpecUtils (Sandia) and compares them with
what they are made of; then writes files of its own for this project to read.

Argument: a folder with spectrum.json, spectrum.chn and spectrum.n42.

Known deviations of SpecUtils, which are left out of the comparison:
- it reads the two first and two last channels of CHN files as zero, so those four are read from
  the bytes themselves;
- it reads the start as a clock without a zone;
- it keeps counts, times and energies in 32 bits;
- when it writes CHN it cuts times down to steps of 20 ms, and in N42 of 2006 it writes six digits
  of each count and does not escape the title.
"""

import datetime
import json
import sys
from pathlib import Path

import numpy as np
import SpecUtils

folder = Path(sys.argv[1])
spectrum = json.loads((folder / "spectrum.json").read_text())
counts = np.array(spectrum["counts"])
start = datetime.datetime.fromisoformat(spectrum["start"])
terms = spectrum["terms"]
channels = np.arange(len(counts), dtype=float)
# Energies of the channels' centres, as this project defines its terms.
centres = terms[0] + terms[1] * channels + terms[2] * channels**2


def read(name):
    document = SpecUtils.SpecFile()
    document.loadFile(str(folder / name), SpecUtils.ParserType.Auto)
    assert document.numMeasurements() == 1, name
    record = document.measurement(0)
    assert record.numGammaChannels() == len(counts), name
    np.testing.assert_allclose(record.liveTime(), spectrum["live_time_s"], rtol=1e-6)
    np.testing.assert_allclose(record.realTime(), spectrum["real_time_s"], rtol=1e-6)
    assert record.startTime() == start, (name, record.startTime())
    assert record.title() == spectrum["title"], (name, record.title())
    return record, np.array(record.gammaCounts())


chn, chn_counts = read("spectrum.chn")
np.testing.assert_array_equal(chn_counts[2:-2], counts[2:-2])
stored = np.frombuffer((folder / "spectrum.chn").read_bytes(), "<u4", len(counts), 32)
np.testing.assert_array_equal(stored, counts)
np.testing.assert_allclose(chn.calibrationCoeffs(), terms, rtol=1e-6)

n42, n42_counts = read("spectrum.n42")
np.testing.assert_array_equal(n42_counts, counts)
assert n42.sourceType() == SpecUtils.SourceType.Foreground
# SpecUtils takes the middle between two edges, which is a2/4 off the parabola.
middles = [n42.gammaChannelCenter(channel) for channel in range(len(counts))]
np.testing.assert_allclose(middles, centres + terms[2] / 4, rtol=1e-6, atol=1e-4)

record = SpecUtils.Measurement.new()
record.setGammaCounts(
    [float(count) for count in counts], spectrum["live_time_s"], spectrum["real_time_s"]
)
record.setTitle(spectrum["title"])
record.setStartTime(start)
lower = SpecUtils.EnergyCalibration.fromPolynomial(len(counts), terms)
record.setEnergyCalibration(lower)
document = SpecUtils.SpecFile()
document.addMeasurement(record, True)
kinds = SpecUtils.SaveSpectrumAsType
for name, kind in [
    ("theirs.chn", kinds.Chn),
    ("theirs_2012.n42", kinds.N42_2012),
    ("theirs_2006.n42", kinds.N42_2006),
]:
    samples, detectors = document.sampleNumbers(), document.detectorNames()
    document.writeToFile(str(folder / name), samples, detectors, kind)
print("2 files agree, 3 files written")

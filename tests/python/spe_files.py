"""Reads SPE files with becquerel and compares them with what this project wrote into them or read
from them.

Argument: a folder with expected.json, a list of what each file holds; a file's path is relative to
the folder.

becquerel has readers of SPE, CNF, SPC and IEC 1455 and none of CHN or N42. Known deviations of its
SPE reader; files that meet them are not given to it:
- it reads the date with dateutil, which refuses a zone in brackets such as (-04);
- it refuses files without a start, a live time or a real time, and those whose live time is longer
  than the real time;
- it wants whole counts, one a line, from channel 0 on, as many as declared, and one blank between
  the times;
- it reads the calibration from $MCA_CAL alone, and joins the records of a file into one;
- it takes UTF-8 only, and blanks before a $ do not keep a line from beginning a block;
- its spectra take the terms as those of lower edges, so channels are compared by the polynomial.
"""

import contextlib
import datetime
import io
import json
import os
import sys
import warnings
from pathlib import Path

folder = Path(sys.argv[1])
# becquerel imports matplotlib, which would keep its list of fonts in the user's home.
os.environ["MPLCONFIGDIR"] = str(folder / "matplotlib")

import numpy as np  # noqa: E402
from becquerel.parsers import spe  # noqa: E402

expected = json.loads((folder / "expected.json").read_text())
warnings.simplefilter("error")

for entry in expected:
    name = entry["file"]
    # It prints the name of each file.
    with contextlib.redirect_stdout(io.StringIO()):
        data, calibration = spe.read(folder / name)
    np.testing.assert_array_equal(data["counts"], entry["counts"], err_msg=name)
    assert data["livetime"] == entry["live_time_s"], (name, data["livetime"])
    assert data["realtime"] == entry["real_time_s"], (name, data["realtime"])
    start = datetime.datetime.fromisoformat(entry["start"])
    assert data["start_time"] == start, (name, data["start_time"])
    terms = entry["terms"]
    if terms is None:
        assert calibration is None, name
        continue
    assert list(calibration.params) == terms, (name, calibration.params)
    channels = np.array([0.0, len(entry["counts"]) / 2, len(entry["counts"]) - 1.0])
    energies = terms[0] + terms[1] * channels + terms[2] * channels**2
    np.testing.assert_allclose(calibration(channels), energies, rtol=1e-12, err_msg=name)
print(len(expected), "files agree")

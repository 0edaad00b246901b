"""Times our full-size difference image against pyts, one round of each in turn.

    pip install pyts==0.13.0
    cargo bench -p assay-gramian --no-run   # prints the path of the bench's executable
    python libs/gramian/benches/against_pyts.py <that executable>
"""

import json
import statistics
import subprocess
import sys
import time

import numpy as np
from pyts.image import GramianAngularField

bins, rounds = 2631, 5
bin_ = np.arange(bins)
vector = (-8.0 - bin_ / 600.0 + (bin_ * 37 % 101 / 101.0) ** 8)[None]
field = GramianAngularField(method="difference")
field.transform(vector)  # the first call compiles

ours, fresh, theirs = [], [], []
for _ in range(rounds):
    figures = json.loads(subprocess.run([sys.argv[1]], capture_output=True, check=True).stdout)
    ours.append(figures["reused_ms"])
    fresh.append(figures["fresh_ms"])
    for _ in range(3):
        start = time.perf_counter()
        field.transform(vector)
        theirs.append((time.perf_counter() - start) * 1e3)

median = {"reused_ms": ours, "fresh_ms": fresh, "pyts_ms": theirs}
median = {name: statistics.median(times) for name, times in median.items()}
for name, value in median.items():
    print(f"{name}: {value:.2f}")
print(f"pyts / reused: {median['pyts_ms'] / median['reused_ms']:.0f}")
print(f"pyts / fresh: {median['pyts_ms'] / median['fresh_ms']:.0f}")

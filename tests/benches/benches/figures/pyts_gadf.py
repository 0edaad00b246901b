"""Seconds that pyts needs for one difference image; reads the vector from standard input."""

import json
import sys
import time

import numpy as np
from pyts.image import GramianAngularField

vector = np.array(json.load(sys.stdin))[None, :]
rounds = int(sys.argv[1])
imaging = GramianAngularField(method="difference")
imaging.fit_transform(vector)  # compiles
seconds = []
for _ in range(rounds):
    started = time.perf_counter()
    imaging.fit_transform(vector)
    seconds.append(time.perf_counter() - started)
print(json.dumps(sorted(seconds)[len(seconds) // 2]))

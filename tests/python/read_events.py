"""Reads TensorBoard event files with TensorBoard's own reader, one run per folder; prints
{run/tag: number of values}."""

import json
import os
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

counts = {}
for folder, _, files in os.walk(sys.argv[1]):
    if any("tfevents" in name for name in files):
        events = EventAccumulator(folder)
        events.Reload()
        run = os.path.relpath(folder, sys.argv[1])
        for tag in events.Tags()["scalars"]:
            counts[f"{run}/{tag}"] = len(events.Scalars(tag))
print(json.dumps(counts))

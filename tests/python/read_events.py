"""Reads TensorBoard event files with TensorBoard's own reader; prints {tag: number of values}."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1])
events.Reload()
print(json.dumps({tag: len(events.Scalars(tag)) for tag in events.Tags()["scalars"]}))

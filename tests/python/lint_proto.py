"""Checks a folder of Protocol Buffers files with buf, whose program lies beside the packages."""

import os
import subprocess
import sys
from pathlib import Path

buf = Path(os.environ["PYTHONPATH"]) / "bin" / "buf"
found = subprocess.run([buf, "lint"], cwd=sys.argv[1], stdout=sys.stderr)
sys.exit(found.returncode)

"""The benches are scripts beside one another: they import each other by bare names."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benches"))

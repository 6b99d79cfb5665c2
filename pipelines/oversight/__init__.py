"""The standing report: what the unit finds, what it misses, and how sure it can be of both."""

from riskscore.pipelines.oversight.run import Oversight, oversight

__all__ = ["Oversight", "oversight"]

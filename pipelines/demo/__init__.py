"""`riskscore demo`: the whole story in a simulated country, and a comparison with the truth at its end."""

from riskscore.pipelines.demo.comparison import POLICIES, PolicyResult, compare
from riskscore.pipelines.demo.story import Story, run_demo

__all__ = ["POLICIES", "PolicyResult", "Story", "compare", "run_demo"]

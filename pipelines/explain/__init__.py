"""Why a shipment was selected, and what would clear it: for the day's table, and one shipment in full."""

from riskscore.pipelines.explain.clearing import Clearing, clearing, port_cuts
from riskscore.pipelines.explain.reasons import driving_hazards, explain
from riskscore.pipelines.explain.selected import with_reasons

__all__ = ["Clearing", "clearing", "driving_hazards", "explain", "port_cuts", "with_reasons"]

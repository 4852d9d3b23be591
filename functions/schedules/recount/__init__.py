"""Counts seats and totals anew, and reports where a counter has drifted."""

"""Metrics, intervals, calibration and thresholds."""

"""Scores of windows."""

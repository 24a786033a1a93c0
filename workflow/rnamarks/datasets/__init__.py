"""Splits, redundancy and the leak meter."""

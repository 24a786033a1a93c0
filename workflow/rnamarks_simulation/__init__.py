"""The demo world and the null world."""

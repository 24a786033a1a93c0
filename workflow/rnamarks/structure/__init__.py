"""Secondary structure: base pairs in files, from probabilities, and against a known structure.

Base pairs are an array of shape (n, 2) of 0-based positions i < j, sorted.
"""

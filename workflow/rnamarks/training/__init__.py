"""Sampler, curriculum, trainer and line search."""

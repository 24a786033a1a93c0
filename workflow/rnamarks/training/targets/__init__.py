"""Targets: what a training depends on because of the kind of answer; the trainer keeps what it does not."""

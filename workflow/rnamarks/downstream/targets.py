"""Which targets a baseline answers; the standard library alone, so that a configuration can be checked by it."""

from __future__ import annotations

from ..errors import InputError

ANSWERS = {
    "composition": ("label", "value"),
    "kmer_ridge": ("label", "value"),
    "one_hot": ("label", "value"),
    "vienna": ("pairs",),
}
"""Baselines that do not answer every target."""


def check_target(baseline: str, target: str, *keys: str | int) -> None:
    """Raise :class:`InputError`, with ``keys``, if a baseline does not answer a target."""
    answers = ANSWERS.get(baseline, (target,))
    if target not in answers:
        raise InputError(
            f"{baseline} answers {' and '.join(answers)} alone",
            value=target,
            remedy="choose another baseline",
            keys=keys,
        )

"""Whether Muon beats AdamW in pre-training: held-out loss by steps, each with the best of a few learning rates.

    PYTHONPATH=workflow python benchmarks/muon.py CORPUS FOLDER [--size nano] [--steps 2000] [--rates 1e-3 3e-3 1e-2]

CORPUS is from `rnamarks lm corpus`. With the first seed each optimiser tries all rates, in runs of `--tried` steps; the
best one is taken for all seeds. Printed are, by seed, the held-out loss of both at the same number of steps, and how
many times fewer steps Muon takes to AdamW's last loss, read off its curve between two validations. The curve is that of
one schedule, whose rate is still high in the middle, so this understates Muon. It is kept where it wins 0.1 nat or 1.3
times fewer steps in the mean over the seeds. FOLDER keeps states and losses: the same command goes on where it was.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from rnamarks.models.settings.language import LANGUAGE_SIZES
from rnamarks.training.pretrain import pretrain, published_settings
from rnamarks.training.settings import OPTIMISERS, PRECISIONS, MaskingSettings

NATS, FEWER = 0.1, 1.3


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=LANGUAGE_SIZES, default="nano")
    parser.add_argument("--width", type=int, help="of a model smaller than nano, with 4 heads")
    parser.add_argument("--blocks", type=int, default=2, help="of a model smaller than nano")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--tried", type=int, help="steps of the runs that choose a rate; all steps if not given")
    parser.add_argument("--validations", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--judged", type=int, default=2000, help="held-out sequences")
    parser.add_argument("--longest", type=int, default=1022, help="nucleotides read of a sequence")
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3, 3e-3, 1e-2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--precision", choices=PRECISIONS, default="32-true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    tried_steps = arguments.tried or arguments.steps
    curves: dict[tuple[str, int], pd.Series] = {}
    print("optimiser\trate\tseed\tsteps\theld-out loss\tseconds")
    for optimiser in OPTIMISERS:
        tried = {rate: curve(optimiser, rate, arguments.seeds[0], tried_steps, arguments) for rate in arguments.rates}
        best = min(tried, key=lambda rate: tried[rate].iloc[-1])
        if best in (min(tried), max(tried)) and len(tried) > 1:
            print(f"# {optimiser}: the best rate is at the edge of the grid")
        for seed in arguments.seeds:
            curves[optimiser, seed] = curve(optimiser, best, seed, arguments.steps, arguments)
    print("seed\tadamw\tmuon\tnats\tfewer steps")
    rows = []
    for seed in arguments.seeds:
        adamw, muon = (curves[optimiser, seed] for optimiser in OPTIMISERS)
        rows.append((adamw.iloc[-1] - muon.iloc[-1], adamw.index[-1] / steps_to(muon, adamw.iloc[-1])))
        print(f"{seed}\t{adamw.iloc[-1]:.4f}\t{muon.iloc[-1]:.4f}\t{rows[-1][0]:.4f}\t{rows[-1][1]:.2f}")
    nats, fewer = np.mean(rows, axis=0)
    kept = nats >= NATS or fewer >= FEWER
    print(f"mean\t\t\t{nats:.4f}\t{fewer:.2f}\nMuon is {'kept' if kept else 'not kept'} at this size and length")


def curve(optimiser: str, rate: float, seed: int, steps: int, arguments: argparse.Namespace) -> pd.Series:
    """Held-out loss by step."""
    own = {"width": arguments.width, "blocks": arguments.blocks, "heads": 4}
    dropout = {"dropout": arguments.dropout, "attention_dropout": arguments.dropout}
    every = steps // arguments.validations
    settings = published_settings(batch_size=arguments.batch, steps=every, epochs=arguments.validations, rate=rate)
    history = pretrain(
        arguments.corpus,
        arguments.folder / f"{optimiser}_{rate:g}_{seed}_{steps}",
        (own if arguments.width else LANGUAGE_SIZES[arguments.size]) | dropout,
        replace(
            settings,
            optimiser=optimiser,
            validation_windows=arguments.judged,
            precision=arguments.precision,
            warm_up=0.05,
        ),
        MaskingSettings(longest=arguments.longest),
        seed=seed,
        checkpoints=arguments.folder / "states",
        device=arguments.device,
        threads=arguments.threads,
        report=lambda line: None,
    )
    found = pd.Series(history["nll"].to_numpy(), index=history["epoch"] * every)
    print(f"{optimiser}\t{rate:g}\t{seed}\t{steps}\t{found.iloc[-1]:.4f}\t{history['seconds'].sum():.0f}", flush=True)
    return found


def steps_to(losses: pd.Series, loss: float) -> float:
    """Steps after which a curve is first as low as a loss; infinite if it never is."""
    reached = np.flatnonzero(losses.to_numpy() <= loss)
    if not len(reached):
        return np.inf
    at = reached[0]
    if at == 0:
        return float(losses.index[0])
    before, after = losses.iloc[at - 1], losses.iloc[at]
    part = (before - loss) / (before - after)
    return float(losses.index[at - 1] + part * (losses.index[at] - losses.index[at - 1]))


if __name__ == "__main__":
    main()

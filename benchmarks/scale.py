"""What runs need that nobody has made here: the table of docs/scale.md, from measured slopes and stated assumptions.

    python benchmarks/scale.py [--gpu-hour 2.5] [--core-hour 0.04] [--tb-month 20] [--gpu-cores 100]

Slopes are those of the commands beside them, measured on two shared cores; change one here when it is measured again.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

# benchmarks/planning.py: processor seconds and jobs of a plan, of nothing and more by species; MB of memory
PLAN_S, PLAN_S_SPECIES = 3.0, 0.069
PLAN_MB, PLAN_MB_SPECIES = 180, 0.5
JOBS, JOBS_SPECIES = 64, 14
# benchmarks/transcriptome.py: one core, MASS as published; a row of the table of sites
SITES_MNT, SCAN_S_MNT, JOIN_S_MNT, SITE_BYTES = SLOPES = (17_500, 12.0, 0.5, 20.0)
# a chunk, and as much again for bigWig, BED and bedRMod
CHUNK_MNT = 20
# benchmarks/training_step.py --network mass: windows a second of one core
TRAIN_WINDOWS_S = 330
# benchmarks/corpus.py: of a million records, one core
CORPUS_S, CORPUS_BYTES, CORPUS_MB = 0.0, 0.0, 0.0

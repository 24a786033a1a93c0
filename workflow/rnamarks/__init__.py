"""Find, explain and put to use the chemical modifications of RNA."""

import os

__version__ = "0.1.0"

# Arrow's own allocators keep what was freed, for each of their threads: 10 to 15 MB at 30 Mnt of transcripts. It is
# read when pyarrow is imported; pyarrow.set_memory_pool does not reach the readers of Parquet.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# Threads of torch that wait for each other spin by default. Where another process has the core that one of them needs,
# the others spin through its whole time slice at the end of every layer. It is read when torch is imported, and is no
# part of the result.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

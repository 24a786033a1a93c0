"""Find, explain and put to use the chemical modifications of RNA."""

import os

__version__ = "0.1.0"

# Arrow's own allocators keep what was freed, for each of their threads: 10 to 15 MB at 30 Mnt of transcripts. It is
# read when pyarrow is imported; pyarrow.set_memory_pool does not reach the readers of Parquet.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

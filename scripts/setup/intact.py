"""Say by the exit code whether every package installed in this environment is complete (0) or one was cut short (1)."""

import csv
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

folders = sys.argv[1:] or sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
# pip renames a package to ~name while it replaces it, and writes the list of a package's files last.
cut_short = [entry.name for folder in folders for entry in Path(folder).glob("~*")]
for distribution in distributions(path=folders):
    # from Python 3.12 on its attribute `files` leaves out those that are missing
    record = distribution.read_text("RECORD")
    rows = csv.reader((record or "").splitlines())
    if record is None or any(not Path(distribution.locate_file(row[0])).exists() for row in rows if row):
        cut_short.append(str(distribution.metadata["Name"]))
if cut_short:
    sys.exit(f"incomplete: {', '.join(sorted(cut_short))}")

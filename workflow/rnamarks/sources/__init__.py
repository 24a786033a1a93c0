"""Published files: the sheet, downloads, checksums, mirrors."""

"""A page in the browser, and addresses for programs, around the scan of sequences for modifications."""

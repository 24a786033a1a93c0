"""RNA of any kind for pre-training: from FASTA files to an indexed store with clusters of similar sequences."""

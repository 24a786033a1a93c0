"""Readers, transcripts, coordinates, motifs, positives, negatives and windows."""

"""What the networks have learned: motifs of filters, motifs of heads, attributions."""

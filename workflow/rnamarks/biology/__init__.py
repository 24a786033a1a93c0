"""From predicted sites to biology: landscapes, capacity, conserved genes, gene ontology and regulation."""

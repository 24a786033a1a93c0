"""What variants of a genome do to the modifications of its RNA."""

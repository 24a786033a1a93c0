"""Find, explain and put to use the chemical marks on RNA."""

__version__ = "0.1.0"

"""Style, figures from tidy tables, and the report page."""

"""How people see a report: as text, as a figure, as a page."""

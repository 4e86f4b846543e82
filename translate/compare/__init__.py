"""Two or more runs, with or without a reference: rows are matched, differences classed, systems scored, and all of it is shown
as text, JSON or one HTML page.
"""

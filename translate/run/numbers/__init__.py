"""Numbers in two languages: what a German and an English sentence say in figures and words, read as values (amounts, dates,
clock times, decades), and what of it stands on one side only. Knows nothing of models, rows or flags.
"""

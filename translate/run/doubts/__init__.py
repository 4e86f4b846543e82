"""What a German sentence and its English one say that can be held against each other: numbers, read as values (amounts, dates,
clock times, decades) each in its own language, and negations. Knows nothing of models, rows or flags.
"""

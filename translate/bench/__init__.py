"""How fast the engines are here: sentences are chosen from files, each engine is timed in a process of its own with several
batch sizes, and what was found becomes a table, JSON, a plot and advice for later runs.
"""

"""How fast the engines are here: `samples` chooses sentences, `sweep` has each engine timed by a `worker` in a process of its own
with several batch sizes, and `judge` and `measurements` say what the figures mean; `report` and `plot` make a table, JSON and a
picture of it, and later runs take the advice.
"""

"""A run as somebody reads it who wants to know what is in it: how far it is, its articles on a terminal or on a page, the rows
with doubts. Nothing here changes a run.
"""

"""Translate many German texts into English with open Marian models.

A text flows Document → Paragraph → Sentence → Batch → Translation → row. Each folder here is one idea, said by the
paragraph in its `__init__`; folders import only from those below them: `records` and `machine`, then `storage`, `text` and
`model`, `engines`, `run`, then `compare`, `bench` and `cluster`, and `cli` on top of all.
"""

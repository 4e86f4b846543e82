"""Two or more runs, with or without a reference: what differs between them, and which is better, as text, JSON or one HTML page.

Rows are read (`inputs`), put side by side (`matching`, by `alignment`), and looked at two by two (`changes`); `scores` and
`evaluation` measure them, `evidence` adds words, others' figures and the verdict; `comparison` composes all this into the records of `findings`, which `limits` judges and `report`
and `page` show.
"""

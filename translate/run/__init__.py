"""One run: documents become rows in an output folder. `plan` says what is to be done, `loading` gets model and engine ready,
`pipeline` composes the stages, and everything that a run leaves behind (rows, record, memory, advice) has its module here.
"""

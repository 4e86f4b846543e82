"""Files that are more than lines of text: each format is one module that reads a file's paragraphs and writes the same file with
their English. Datasets give a column's cells as texts. What is no text at all is told by its signature.
"""

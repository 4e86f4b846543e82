"""Documents and sentences: files of any encoding become paragraphs, and paragraphs become sentence spans whose offsets find
them again in the document. Knows nothing of models or of how a text is translated.
"""

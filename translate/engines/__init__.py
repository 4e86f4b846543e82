"""What translates: token ids in, token ids and scores out, as a stream. Each engine is one module behind the seam in `base`;
none of them knows of text, files or runs.
"""

"""What people have translated: corrections that are kept beside the runs of all models, and translation memories that are given
to a run. It knows pairs of sentences and the places that they belong to; who applies them, and who reads them from which kind of
file, is for the rooms above.
"""

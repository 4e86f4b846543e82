"""A model on this machine: which one models.txt and the user mean, whether its folder is sound, and its vocabulary, which
turns text into token ids and back.
"""

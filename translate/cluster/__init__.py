"""The same job on a Ray cluster, with the same bytes: a driver deals out windows of sentences, workers translate them, and a
journal keeps each finished batch.
"""

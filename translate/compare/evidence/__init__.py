"""What speaks for one run and against another beside scores of our own: `words` that only one gets right, figures that others
computed or people marked (`external`); and the sentence that sums all up (`verdicts`).
"""

"""What is looked at in a browser, whoever made it: pages in one file, and charts as pictures that run no script, ask for nothing from outside, and come
out the same from the same figures. Knows nothing of runs, comparisons or benches.
"""

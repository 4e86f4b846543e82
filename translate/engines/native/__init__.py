"""The engine `native`: Marian's encoder and decoder with continuous batching. `c` holds the kernels, `compiled` calls them;
where they cannot run, the modules `torch_…` compute the same with torch.
"""

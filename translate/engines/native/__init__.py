"""The engine `native`: Marian's encoder and decoder with continuous batching. `c` holds the kernels, `kernels` chooses a variant of them for
this processor, `compiled` calls them; where they cannot run, the modules `torch_…` compute the same with torch.
"""

"""Hand-written limits: C for vectors of any width and CUDA, compiled at run time, kept in the user's cache."""

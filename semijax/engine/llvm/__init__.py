"""Lane programs as machine code of a CPU, by LLVM: all steps of a launch in one call, with the carriers in vector registers."""

"""Lane programs as CUDA C on NVIDIA GPUs: all steps of a launch in one kernel, with the carriers in registers."""

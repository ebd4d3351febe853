"""The benchmark suite: cases, peers and hand-written limits, measured side by side in one run (`semijax bench`)."""

"""How a step runs fast: tiles of carriers, and sums that do not depend on them."""

"""A national day in small: an open loop of real uploads against the whole stack, and what came of each of them."""

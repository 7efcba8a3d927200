"""
Statistics over runs, by numpy and the standard library alone.

A function here takes plain numbers and knows nothing of runs. Results agree with scipy's to 1e-12 wherever both are
finite; where they come from and how they are computed stands with each.
"""

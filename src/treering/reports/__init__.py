"""
What a report says, without any store: its Markdown in blocks, its run sets and figures, its formulas and numbers.

Nothing here reads a run: the store gives formulas their values, and the SDK writes blocks with the same words.
"""

"""
What a run records of how it came about, with no line of a user's code: the code's state, packages, the machine.

All of this runs in the uploader, so that no training waits for it. It looks at the repository, the packages and the
machine once, within a time limit, and every text passes the redactor before it is stored.
"""

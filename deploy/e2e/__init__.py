"""The end-to-end run: Penny packaged, deployed to a local AWS that enforces roles, driven, updated, removed.

`python -m deploy.e2e`, or `make e2e`. `__main__` tells the story; each step is a function of its own that
returns what it saw in a few words, or raises StepFailed.
"""

"""What takes Penny from this folder to AWS: her package, the checks on it, the framework's plugin.

Nothing of it is deployed or needed at run time.
"""

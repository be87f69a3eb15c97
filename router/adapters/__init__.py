"""The outside world, one SDK a file; each speaks Penny's words and errors to the rest."""

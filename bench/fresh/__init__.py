"""What is run in fresh interpreters: each file is one policy's cold start, with its input on stdin."""

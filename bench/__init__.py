"""The yardsticks: how fast, how frugal and how steadfast Penny is, measured on this machine.

`python -m bench NAME` runs one; each is a module of that name. Nothing here is deployed, and nothing in
`router` or `playground` knows it.
"""

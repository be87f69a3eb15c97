"""The fake Slack: a workspace in memory, its Web API over HTTP, and the delivery of signed events.

Read in this order: `workspace` (what people do), `board` and `events` (what follows from it), `delivery`
(how it reaches the app), `web_api` and `methods` (what the app may answer, with Slack's limits).
"""

"""Methods: what the app may do through the Web API, each refused where Slack refuses it."""

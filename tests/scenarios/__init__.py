"""One file per situation: a signed request goes in, then look at what Slack, OpenRouter and tables got."""

"""Penny's router: the story of one message, in the order in which it flows.

    receive             Slack's request is verified, sorted and queued, and Slack has its 200
    dispatch            the worker takes the job off the queue and decides what becomes of it
    slack.app           Bolt finds the listener
    answer              the message is claimed, once
      reading           the thread so far, and the files that hang on it
      reserving         which tier it gets, and what of it the budgets bear
      replying          the model's words are shown as they come, and the bill is settled
      stopping          whether it is still wanted
      calling           retries and fallbacks, within what is reserved
      alerting          who should know hears that a budget runs out
    presses             what becomes of the buttons under an answer
    slash_command, home what can be asked and changed from Slack
    reconcile           what a dead worker left open is settled
    report              what it all cost
    verify              whether the books are what the records add up to
    budgets             what may be spent, and who changed it
    channel_settings    what holds in a channel, and who changed it
    explain             why an answer came from its tier
    simulate            what a month would have cost under other settings
    digest              what it cost last week, told to each channel
    check               whether all that this needs is there

`domain` decides and knows nobody. `adapters` speak to AWS, OpenRouter and Slack's wire; `slack` is what
people see. `wiring` and `worker` put them together, `settings` and `config` say how.
"""

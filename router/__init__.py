"""Penny's router: the story of one message, in the order in which it flows.

    receive      Slack's request is verified, sorted and queued, and Slack has its 200
    dispatch     the worker takes the job off the queue and decides what becomes of it
    slack.app    Bolt finds the listener
    answer       the message is claimed, once
      reserving    which tier it gets, and what of it the budgets bear
      replying     the model's words are shown as they come, and the bill is settled
      calling      retries and fallbacks, within what is reserved
      alerting     who should know hears that a budget runs out
    reconcile    what a dead worker left open is settled
    report       what it all cost
    verify       whether the books are what the records add up to
    budgets      what may be spent, and who changed it
    digest       what it cost last week, told to each channel
    check        whether all that this needs is there

`domain` decides and knows nobody. `adapters` speak to AWS, OpenRouter and Slack's wire; `slack` is what
people see. `wiring` puts them together, `settings` and `config` say how.
"""

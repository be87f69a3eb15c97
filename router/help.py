"""The help of the command line: what each command does, with examples and the environment it reads."""

from __future__ import annotations

EXIT_CODES = """\
exit codes:
  0  done
  1  it ran and failed: a table does not answer, a channel is not there, a check found something wrong
  2  it was called wrongly, and nothing was done
"""

REPORT = """\
Print what a channel, or the whole workspace, spent in a month. It reads sums that are kept
with every answer, so a million answers cost no more to report than a thousand.
"""
REPORT_EXAMPLES = """\
examples:
  python -m router report
      this month of the whole workspace, the channel that spent most first
  python -m router report --channel general --by user
      who spent what in #general this month
  python -m router report --channel C024BE91L --month 2026-11 --by day
      a channel by its id, day by day
  python -m router report --user U024BE7LH --month 2026-11
      one person's month, by channel
  python -m router report --month 2026-11 --by model --format csv > november.csv
      for a spreadsheet
  python -m router report --verify --month 2026-11
      recompute every sum and every budget from the usage records; exit code 1 if one is wrong

environment:
  USAGE_TABLE      the table of usage records and rollups
  STATE_TABLE      only to verify
  AWS_REGION       and credentials, as for other AWS tools
  SLACK_BOT_TOKEN  only for a channel that is given by its name
  CONFIG_FILE      the time zone, and the best tier to compare with (default: config.toml)
"""

SIMULATE = """\
Replay a month of usage records under another configuration, policy or budget: what it would have
cost, how often each tier would have answered, and when the money would have run out. Records hold
lengths and costs, never words. Nothing is called and nothing is changed.
"""
SIMULATE_EXAMPLES = """\
examples:
  python -m router simulate --channel general --budget 10
      this month of #general, had its budget been 10 dollars
  python -m router simulate --month 2026-10 --policy bands
      October of every channel by the other policy
  python -m router simulate --month 2026-10 --config new.toml --format csv > replay.csv
      under another file: its ladder, its policy and its budgets

environment:
  USAGE_TABLE      the table of usage records and rollups
  AWS_REGION       and credentials, as for other AWS tools
  SLACK_BOT_TOKEN  only for a channel that is given by its name
  CONFIG_FILE      what is replayed under, unless --config names another (default: config.toml)
"""

RECONCILE = """\
Settle the reservations that dead workers left open, by what OpenRouter says their calls cost.
The deployed stack does the same every five minutes; doing it twice changes nothing.
With a token for Slack it also posts the alerts that are due: for what it charged, and those left unposted.
"""
RECONCILE_EXAMPLES = """\
what becomes of a reservation:
  settled       OpenRouter said what the call cost; the rest went back to the budget
  waiting       OpenRouter does not say yet; a later run asks again
  estimated     it did not say within an hour, so all that was set aside is the charge
  unsettled     the table did not take it; a later run tries again (exit code 1)
  ended before  its worker was slow, not dead, and settled it in the meantime

examples:
  python -m router reconcile --dry-run
      say what would be done, change nothing
  python -m router reconcile
      do it; the journal on stderr tells of each reservation as it is done
  python -m router reconcile --format json > reconciled.json 2> journal

environment:
  STATE_TABLE, USAGE_TABLE  the two tables
  OPENROUTER_API_KEY        whose calls they were
  SLACK_BOT_TOKEN           only to post alerts
  AWS_REGION                and credentials, as for other AWS tools
"""

CHECK = """\
Check whether all that Penny needs is there, and as she needs it: settings, tables, queues, tokens,
models and their prices, the clock. It changes nothing and costs nothing. Each check is made, also
when one before it failed.
"""
CHECK_EXAMPLES = """\
examples:
  python -m router check
      a line for each check: ok, or fail with what to do
  python -m router check --url https://abc.execute-api.eu-central-1.amazonaws.com/slack/events
      the deployed endpoint too: it has to turn away what Slack did not sign
  python -m router check --format json > findings.json

environment:
  that of the deployed functions, all of them; docs/operating.md says how to set it for a stage
  AWS_REGION  and credentials, as for other AWS tools, that may describe the tables and queues
"""

BUDGET = """\
Show what may be spent and what is left, and change limits. A limit that is set here wins over the
file's, counts from the next message on, and every change is written down with who made it.
"""
BUDGET_EXAMPLES = """\
examples:
  python -m router budget list
      all that were used this month, or have a limit of their own
  python -m router budget show --channel general
      how a channel stands, and who changed its limit when
  python -m router budget set 25 per month --channel general
  python -m router budget set 2.50 per day --user U024BE7LH
      what is spent already stays spent; below that, nothing more is admitted
  python -m router budget set 400 --workspace
      all channels together; without a period, its period stays as it is
  python -m router budget unset --channel C024BE91L
      the limit of the file counts again

environment:
  STATE_TABLE, USAGE_TABLE  the two tables
  CONFIG_FILE               the limits of the file (default: config.toml)
  SLACK_BOT_TOKEN           only for a channel that is given by its name
  AWS_REGION                and credentials, as for other AWS tools
"""

WHY = """\
Tell why an answer came from its tier: the numbers that decided, in one sentence.
"""
WHY_EXAMPLES = """\
examples:
  python -m router why --channel general
      the newest answer in #general
  python -m router why https://acme.slack.com/archives/C024BE91L/p1795348800000100
      the answer to that message, or the one that it is (Slack: Copy link)
  python -m router why 1795348800.000100 --channel C024BE91L --format json
      by the message's ts, with all its numbers

environment:
  USAGE_TABLE      the table of usage records
  AWS_REGION       and credentials, as for other AWS tools
  SLACK_BOT_TOKEN  only for a channel that is given by its name
  CONFIG_FILE      only for the time zone (default: config.toml)
"""

"""What must not be forgotten about alerts: their state, their history, and whom to tell.

In go the alerts and transitions of each rule evaluation; each is written in one transaction with the
outbox rows that its transitions cause, so nobody is ever told of what did not happen, nor left untold.
Out come what to restore after a restart, what to send, and what was sent. Read `record.py` first.
"""

-- The ledger, version 1: alerts.db.
--
-- Times are milliseconds since the epoch, UTC. Label sets are JSON objects. Beside each table stands a
-- view for people, named after it: `sqlite3 alerts.db 'select * from outbox_view'`.

-- Alerts: those that are active now, and those that were resolved less than 15 minutes ago.
create table alert (
    rule_id               text not null,
    fingerprint           text not null,    -- model/alert.py, Alert.fingerprint
    labels                text not null check (json_valid(labels)),
    annotations           text not null check (json_valid(annotations)),
    state                 text not null check (state in ('pending', 'firing', 'resolved')),
    value                 real,             -- null: not a number, which SQLite does not keep
    active_at_ms          integer not null,
    fired_at_ms           integer,
    resolved_at_ms        integer,
    keep_firing_since_ms  integer,
    primary key (rule_id, fingerprint)
) strict, without rowid;

-- Transitions: the history; each with the alert as it was then, so that it can be told later.
create table transition (
    id              integer primary key,
    at_ms           integer not null,
    rule_id         text not null,
    fingerprint     text not null,
    previous        text not null check (previous in ('inactive', 'pending', 'firing', 'resolved')),
    state           text not null check (state in ('inactive', 'pending', 'firing', 'resolved')),
    labels          text not null check (json_valid(labels)),
    annotations     text not null check (json_valid(annotations)),
    value           real,
    active_at_ms    integer not null,
    fired_at_ms     integer,
    resolved_at_ms  integer,
    keep_firing_since_ms integer
) strict;

create index transition_by_alert on transition (rule_id, fingerprint);
create index transition_by_time on transition (at_ms);

-- Aggregation groups: alerts that are told together to one destination; timers and the last message.
create table aggregation_group (
    id                integer primary key,
    receiver          text not null,
    integration       text not null,
    route_id          text not null,
    group_labels      text not null check (json_valid(group_labels)),
    due_ms            integer,              -- look at it again then; null: it has no member
    sequence          integer not null default 0,   -- messages accepted so far
    told_ms           integer,              -- the last accepted message; null: none yet
    failing_since_ms  integer,              -- first failed attempt of the message in hand
    attempts          integer not null default 0,   -- failed attempts of the message in hand
    last_error        text not null default '',
    unique (receiver, integration, route_id, group_labels)
) strict;

create index aggregation_group_by_due on aggregation_group (due_ms) where due_ms is not null;

-- Members: the alerts of a group; a resolved one leaves once that is told.
create table member (
    group_id       integer not null references aggregation_group (id) on delete cascade,
    rule_id        text not null,
    fingerprint    text not null,
    transition_id  integer not null references transition (id),   -- its newest notifiable one
    primary key (group_id, rule_id, fingerprint)
) strict, without rowid;

create index member_by_transition on member (transition_id);

-- Told: what the last accepted message of a group said.
create table told (
    group_id     integer not null references aggregation_group (id) on delete cascade,
    fingerprint  text not null,
    state        text not null check (state in ('firing', 'resolved')),
    primary key (group_id, fingerprint)
) strict, without rowid;

-- Outbox: one row for each transition and destination, written in the transition's own transaction.
create table outbox (
    id             integer primary key,
    transition_id  integer not null references transition (id),
    group_id       integer not null references aggregation_group (id),
    state          text not null default 'waiting'
                   check (state in ('waiting', 'delivered', 'skipped', 'dead')),
    attempts       integer not null default 0,
    last_error     text not null default '',
    delivered_ms   integer,
    check ((state = 'delivered') = (delivered_ms is not null))
) strict;

create index outbox_open on outbox (group_id) where state in ('waiting', 'dead');
create index outbox_by_transition on outbox (transition_id);

-- Attempts: every message that was sent, or could not be.
create table attempt (
    id                integer primary key,
    group_id          integer not null references aggregation_group (id) on delete cascade,
    at_ms             integer not null,
    key               text not null,        -- the message's stable key: equal for a duplicate
    outcome           text not null check (outcome in ('delivered', 'retry', 'refused', 'dead')),
    duration_seconds  real not null,
    alert_count       integer not null,
    error             text not null
) strict;

create index attempt_by_time on attempt (at_ms);
create index attempt_by_group on attempt (group_id);

-- For people ---------------------------------------------------------------------------------------

create view alert_view as
select
    json_extract(labels, '$.alertname') as alertname,
    state,
    value,
    strftime('%Y-%m-%d %H:%M:%S', active_at_ms / 1000, 'unixepoch') as active_since,
    strftime('%Y-%m-%d %H:%M:%S', fired_at_ms / 1000, 'unixepoch') as firing_since,
    strftime('%Y-%m-%d %H:%M:%S', resolved_at_ms / 1000, 'unixepoch') as resolved_at,
    labels,
    json_extract(annotations, '$.summary') as summary,
    rule_id,
    fingerprint
from alert
order by active_at_ms;

create view transition_view as
select
    strftime('%Y-%m-%d %H:%M:%S', at_ms / 1000, 'unixepoch') as at,
    json_extract(labels, '$.alertname') as alertname,
    previous || ' -> ' || state as change,
    value,
    labels,
    json_extract(annotations, '$.summary') as summary,
    id
from transition
order by id;

create view aggregation_group_view as
select
    receiver,
    integration,
    route_id || ':' || group_labels as group_key,
    (select count(*) from member where member.group_id = aggregation_group.id) as members,
    strftime('%Y-%m-%d %H:%M:%S', due_ms / 1000, 'unixepoch') as due,
    strftime('%Y-%m-%d %H:%M:%S', told_ms / 1000, 'unixepoch') as last_told,
    sequence as messages,
    attempts as failed_attempts,
    last_error,
    id
from aggregation_group
order by id;

create view member_view as
select
    aggregation_group.receiver,
    aggregation_group.integration,
    json_extract(transition.labels, '$.alertname') as alertname,
    transition.state,
    transition.labels
from member
join aggregation_group on aggregation_group.id = member.group_id
join transition on transition.id = member.transition_id
order by member.group_id;

create view told_view as
select
    aggregation_group.receiver,
    aggregation_group.integration,
    aggregation_group.route_id || ':' || aggregation_group.group_labels as group_key,
    told.fingerprint,
    told.state,
    strftime('%Y-%m-%d %H:%M:%S', aggregation_group.told_ms / 1000, 'unixepoch') as told
from told
join aggregation_group on aggregation_group.id = told.group_id
order by told.group_id;

create view outbox_view as
select
    strftime('%Y-%m-%d %H:%M:%S', transition.at_ms / 1000, 'unixepoch') as changed,
    json_extract(transition.labels, '$.alertname') as alertname,
    transition.state as told_state,
    aggregation_group.receiver,
    aggregation_group.integration,
    outbox.state,
    strftime('%Y-%m-%d %H:%M:%S', outbox.delivered_ms / 1000, 'unixepoch') as delivered,
    outbox.attempts,
    outbox.last_error,
    outbox.id
from outbox
join transition on transition.id = outbox.transition_id
join aggregation_group on aggregation_group.id = outbox.group_id
order by outbox.id;

create view attempt_view as
select
    strftime('%Y-%m-%d %H:%M:%S', attempt.at_ms / 1000, 'unixepoch') as at,
    aggregation_group.receiver,
    aggregation_group.integration,
    attempt.outcome,
    attempt.alert_count as alerts,
    round(attempt.duration_seconds, 3) as seconds,
    attempt.error,
    attempt.key
from attempt
join aggregation_group on aggregation_group.id = attempt.group_id
order by attempt.id;

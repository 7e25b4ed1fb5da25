-- How far every remote is: remote-write.db in the data folder.
--
-- A migration begins at a line "-- migration N"; it runs once, in one transaction.

-- migration 1

-- Remotes: whom samples are passed on to.
create table remote (
    name    text    primary key,
    late_id integer not null           -- late samples of samples.db up to this one are acknowledged
) strict, without rowid;

-- Cursors: up to which moment all samples of a target are acknowledged.
create table cursor (
    remote          text    not null references remote (name) on delete cascade,
    target          text    not null,  -- JSON object, sorted by name
    acknowledged_ms integer not null,
    primary key (remote, target)
) strict, without rowid;

create view remote_view as
select name, late_id, (select count(*) from cursor where cursor.remote = remote.name) as targets
from remote;

create view cursor_view as
select remote, target,
       strftime('%Y-%m-%dT%H:%M:%fZ', acknowledged_ms / 1000.0, 'unixepoch') as acknowledged
from cursor;

-- The ledger, version 2: how far Alertmanagers have been told of resolutions.

-- Alertmanagers: one row for each that sends alerts on; what was resolved behind `transition_id` is owed to it.
create table alertmanager (
    name           text primary key,        -- its address
    transition_id  integer not null,        -- every resolution up to here was accepted, or is not owed
    seen_ms        integer not null         -- when it was last known to be there
) strict, without rowid;

create view alertmanager_view as
select
    name,
    (select count(*) from transition
        where transition.id > alertmanager.transition_id and transition.state = 'resolved')
        as resolutions_since,
    strftime('%Y-%m-%d %H:%M:%S', seen_ms / 1000, 'unixepoch') as seen,
    transition_id
from alertmanager
order by name;

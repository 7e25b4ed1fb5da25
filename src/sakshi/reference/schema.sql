-- Conversations. Times are milliseconds since the epoch, UTC.

create table if not exists session (
    id         text primary key,
    user_id    text not null,
    created_ms integer not null,
    updated_ms integer not null,
    turn_count integer not null default 0
) strict, without rowid;

create table if not exists message (
    id         integer primary key,
    session_id text not null references session (id) on delete cascade,
    role       text not null check (role in ('user', 'assistant')),
    text       text not null,
    created_ms integer not null
) strict;

create index if not exists message_by_session on message (session_id, id);

-- The keywords of each message: what earlier messages are found by.
create table if not exists message_term (
    session_id text not null,
    term       text not null,
    message_id integer not null references message (id) on delete cascade,
    primary key (session_id, term, message_id)
) strict, without rowid;

create index if not exists message_term_by_message on message_term (message_id);

create view if not exists conversation as
select
    message.session_id,
    session.user_id,
    datetime(message.created_ms / 1000, 'unixepoch') as said_at_utc,
    message.role,
    message.text
from message
join session on session.id = message.session_id
order by message.id;

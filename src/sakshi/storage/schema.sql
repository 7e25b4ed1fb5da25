-- The database of samples: samples.db in the data folder. Drawn in docs/formats/schema.md.
--
-- Beside each table stands a view for people (target_view, ...): moments as text in UTC, sizes in
-- bytes, labels in clear. A checksum is the CRC-32 of all other columns of its row but the log's own
-- id and what is updated (storage/checksum.py).
--
-- A migration begins at a line "-- migration N"; it runs once, in one transaction.

-- migration 1

-- Targets: whatever appends many series at one time.
create table target (
    id       integer primary key,
    labels   text    not null,         -- JSON object, sorted by name
    checksum integer not null
) strict;

-- Metric families: the numbers of metric names.
create table family (
    id       integer primary key,
    name     text    not null,
    checksum integer not null
) strict;

-- Series: the columns of targets.
create table series (
    target_id     integer not null references target (id),
    column_number integer not null,    -- in its target; never given to another series
    labels        text    not null,    -- JSON object, sorted by name, with metric name
    first_ms      integer not null,    -- its first sample
    end_ms        integer,             -- its last sample, once that was sealed; null before
    checksum      integer not null,
    primary key (target_id, column_number)
) strict, without rowid;

-- Log: the rows of one target that one commit made durable, until they are sealed.
create table log (
    id        integer primary key,
    target_id integer not null references target (id),
    start_ms  integer not null,        -- earliest sample, inclusive
    end_ms    integer not null,        -- latest sample, inclusive
    row_count integer not null,
    is_full   integer not null,        -- 1: begins with a row in full, needs no record before it
    checksum  integer not null,
    body      blob    not null         -- storage/record.py
) strict;

-- Expiry: which rows of the log are forgotten, though a record that is needed still holds them.
create table expiry (
    id        integer primary key check (id = 1),
    before_ms integer not null,        -- rows before this moment,
    log_id    integer not null         -- in records up to this one; later ones hold new rows, even
) strict;                              -- if a clock that was wrong had asked for them to expire

-- Spans: rows of one target that were sealed together, never updated.
create table span (
    id         integer primary key autoincrement, -- never used again: readers know spans by it
    target_id  integer not null references target (id),
    start_ms   integer not null,       -- first row, inclusive
    end_ms     integer not null,       -- last row, inclusive
    row_count  integer not null,
    checksum   integer not null,
    timestamps blob    not null,       -- storage/codec.py, encode_timestamps
    check (start_ms <= end_ms)
) strict;

-- Chunks: the sealed samples of one metric family of one span, never updated.
create table chunk (
    span_id      integer not null references span (id) on delete cascade,
    family_id    integer not null references family (id),
    series_count integer not null,
    codec        integer not null,     -- storage/codec.py, Codec
    checksum     integer not null,
    data         blob    not null,
    primary key (span_id, family_id)
) strict, without rowid;

create view target_view as
select target.id, target.labels,
       (select count(*) from series where series.target_id = target.id) as series_count,
       (select count(*) from span where span.target_id = target.id) as span_count
from target;

create view family_view as
select family.id, family.name,
       (select count(*) from chunk where chunk.family_id = family.id) as chunk_count
from family;

create view series_view as
select target.labels as target, series.column_number, series.labels,
       strftime('%Y-%m-%dT%H:%M:%fZ', series.first_ms / 1000.0, 'unixepoch') as first_sample,
       strftime('%Y-%m-%dT%H:%M:%fZ', series.end_ms / 1000.0, 'unixepoch') as last_sample
from series join target on target.id = series.target_id;

create view log_view as
select log.id, target.labels as target,
       strftime('%Y-%m-%dT%H:%M:%fZ', log.start_ms / 1000.0, 'unixepoch') as start,
       strftime('%Y-%m-%dT%H:%M:%fZ', log.end_ms / 1000.0, 'unixepoch') as end,
       log.row_count, log.is_full, length(log.body) as bytes
from log join target on target.id = log.target_id;

create view expiry_view as
select strftime('%Y-%m-%dT%H:%M:%fZ', before_ms / 1000.0, 'unixepoch') as before, log_id
from expiry;

create view span_view as
select span.id, target.labels as target,
       strftime('%Y-%m-%dT%H:%M:%fZ', span.start_ms / 1000.0, 'unixepoch') as start,
       strftime('%Y-%m-%dT%H:%M:%fZ', span.end_ms / 1000.0, 'unixepoch') as end,
       span.row_count,
       (select count(*) from chunk where chunk.span_id = span.id) as chunk_count,
       (select sum(length(data)) from chunk where chunk.span_id = span.id) as bytes
from span join target on target.id = span.target_id;

create view chunk_view as
select chunk.span_id, target.labels as target, family.name as family,
       strftime('%Y-%m-%dT%H:%M:%fZ', span.start_ms / 1000.0, 'unixepoch') as start,
       strftime('%Y-%m-%dT%H:%M:%fZ', span.end_ms / 1000.0, 'unixepoch') as end,
       chunk.series_count, span.row_count, length(chunk.data) as bytes,
       round(1.0 * length(chunk.data) / (chunk.series_count * span.row_count), 2) as sample_bytes
from chunk
join span on span.id = chunk.span_id
join target on target.id = span.target_id
join family on family.id = chunk.family_id;

-- migration 2

-- Chunks may be of codec 2 (storage/codec.py), which an older sakshi cannot read.

alter table expiry add column checksum integer; -- null: written before this migration

-- Deletions: samples that are read no more, though they lie where they lay.
create table deletion (
    id            integer primary key,
    target_id     integer not null,
    column_number integer not null,
    start_ms      integer not null,    -- first moment, inclusive
    end_ms        integer not null,    -- last moment, inclusive
    checksum      integer not null
) strict;

create view deletion_view as
select deletion.id, target.labels as target, series.labels,
       strftime('%Y-%m-%dT%H:%M:%fZ', deletion.start_ms / 1000.0, 'unixepoch') as start,
       strftime('%Y-%m-%dT%H:%M:%fZ', deletion.end_ms / 1000.0, 'unixepoch') as end
from deletion
left join target on target.id = deletion.target_id
left join series using (target_id, column_number);

-- migration 3

-- Series in batches, which take a tenth of the place of single rows: storage/roster.py moves what
-- is there, and drops the table `series`.

create table series_batch (
    id           integer primary key,  -- of two that name the same column, the higher one is right
    target_id    integer not null references target (id),
    column_max   integer not null,     -- no series after the batch gets this column or a lower one
    series_count integer not null,
    checksum     integer not null,
    body         blob    not null      -- storage/roster.py
) strict;

create index series_batch_target on series_batch (target_id);

-- Series whose last sample is sealed, and was the last one when it was.
create table series_end (
    target_id     integer not null,
    column_number integer not null,
    end_ms        integer not null,
    checksum      integer not null,
    primary key (target_id, column_number)
) strict, without rowid;

-- Chunks with row numbers: without, a table of rows this large leaves a third of its pages empty.
create table numbered_chunk (
    span_id      integer not null references span (id) on delete cascade,
    family_id    integer not null references family (id),
    series_count integer not null,
    codec        integer not null,     -- storage/codec.py, Codec
    checksum     integer not null,
    data         blob    not null,
    primary key (span_id, family_id)
) strict;

insert into numbered_chunk select * from chunk order by span_id, family_id;

drop view target_view;
drop view family_view;
drop view series_view;
drop view span_view;
drop view chunk_view;
drop view deletion_view;
drop table chunk;
alter table numbered_chunk rename to chunk;

create view target_view as
select target.id, target.labels,
       (select sum(series_count) from series_batch where target_id = target.id) as series_count,
       (select count(*) from span where span.target_id = target.id) as span_count
from target;

create view series_batch_view as
select series_batch.id, target.labels as target, column_max, series_count, length(body) as bytes,
       round(1.0 * length(body) / series_count, 1) as series_bytes
from series_batch left join target on target.id = series_batch.target_id;

create view series_end_view as
select target.labels as target, column_number,
       strftime('%Y-%m-%dT%H:%M:%fZ', end_ms / 1000.0, 'unixepoch') as last_sample
from series_end left join target on target.id = series_end.target_id;

create view deletion_view as
select deletion.id, target.labels as target, deletion.column_number,
       strftime('%Y-%m-%dT%H:%M:%fZ', deletion.start_ms / 1000.0, 'unixepoch') as start,
       strftime('%Y-%m-%dT%H:%M:%fZ', deletion.end_ms / 1000.0, 'unixepoch') as end
from deletion left join target on target.id = deletion.target_id;

create view family_view as
select family.id, family.name,
       (select count(*) from chunk where chunk.family_id = family.id) as chunk_count
from family;

create view span_view as
select span.id, target.labels as target,
       strftime('%Y-%m-%dT%H:%M:%fZ', span.start_ms / 1000.0, 'unixepoch') as start,
       strftime('%Y-%m-%dT%H:%M:%fZ', span.end_ms / 1000.0, 'unixepoch') as end,
       span.row_count,
       (select count(*) from chunk where chunk.span_id = span.id) as chunk_count,
       (select sum(length(data)) from chunk where chunk.span_id = span.id) as bytes
from span join target on target.id = span.target_id;

create view chunk_view as
select chunk.span_id, target.labels as target, family.name as family,
       strftime('%Y-%m-%dT%H:%M:%fZ', span.start_ms / 1000.0, 'unixepoch') as start,
       strftime('%Y-%m-%dT%H:%M:%fZ', span.end_ms / 1000.0, 'unixepoch') as end,
       chunk.series_count, span.row_count, length(chunk.data) as bytes,
       round(1.0 * length(chunk.data) / (chunk.series_count * span.row_count), 2) as sample_bytes
from chunk
join span on span.id = chunk.span_id
join target on target.id = span.target_id
join family on family.id = chunk.family_id;

-- migration 4

-- Late samples: for moments up to which rows were durable already, kept until whoever passes samples
-- on has read them. They are in the log, too.
create table late (
    id           integer primary key autoincrement, -- never used again: readers go on behind it
    target_id    integer not null,
    timestamp_ms integer not null,
    checksum     integer not null,
    columns      blob    not null,     -- i32 each
    samples      blob    not null      -- f64 each
) strict;

create view late_view as
select late.id, target.labels as target,
       strftime('%Y-%m-%dT%H:%M:%fZ', late.timestamp_ms / 1000.0, 'unixepoch') as moment,
       length(late.samples) / 8 as sample_count
from late
left join target on target.id = late.target_id;

#include "io/position.h"

#include <string.h>

#include <tip/uuid.h>

static const char position_sql_claim[] =
    "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('tip.consumer'), pg_catalog.hashtext($1))";

static const char position_sql_prepare[] =
    "insert into tip.consumer_offset (name) values ($1) on conflict (name) do nothing";

static const char position_sql_key[] = "select pg_catalog.encode(ikey_key, 'hex') from tip.site";

static const char position_sql_lock[] = "select j.journal_id, o.next_seq from tip.consumer_offset as o "
                                        "left join tip.journal as j on j.id = o.journal "
                                        "where o.name = $1 for update of o";

static const char position_sql_move[] = "update tip.consumer_offset set journal = $2::smallint, next_seq = $3::bigint, "
                                        "updated_at = now() where name = $1";

static const char journal_sql_find[] = "select id from tip.journal where journal_id = $1::uuid";

static const char journal_sql_make[] = "insert into tip.journal (journal_id) values ($1::uuid) returning id";

static const char gap_sql_note[] = "insert into tip.gap (journal, from_seq, to_seq, source_id, reason) "
                                   "values ($1::smallint, nullif($2::bigint, 0), nullif($3::bigint, 0), "
                                   "nullif($4::integer, 0), $5)";

static const char gap_sql_close[] =
    "update tip.gap as g set closed_at = now() where g.closed_at is null and case when g.source_id is null "
    "then not exists (select from tip.source where needs_baseline_since is not null) "
    "and not exists (select from tip.consumer_offset where needs_all_since is not null) "
    "else not exists (select from tip.source as s where s.id = g.source_id and s.needs_baseline_since is not null) end";

/* A later loss is a later wish: the answer to the one before it does not end it. */
static const char need_sql_all[] = "update tip.consumer_offset set needs_all_since = now(), "
                                   "needs_all_reason = coalesce(needs_all_reason, $2) where name = $1";

static const char need_sql_sources[] =
    "update tip.source set needs_baseline_since = coalesce(needs_baseline_since, now()), "
    "needs_baseline_reason = coalesce(needs_baseline_reason, $1) where orphan_since is null";

static const char need_sql_taken[] = "update tip.consumer_offset set needs_all_since = null, needs_all_reason = null "
                                     "where name = $1 and needs_all_since = $2::timestamptz";

static const char need_sql_orphan[] =
    "update tip.source set orphan_since = now(), needs_baseline_since = null, needs_baseline_reason = null "
    "where name = $1";

static const char need_sql_list[] =
    "select name, since from (select '*' as name, 0 as rank, needs_all_since as since from tip.consumer_offset "
    "where name = $1 and needs_all_since is not null "
    "union all select name, 1, needs_baseline_since from tip.source where needs_baseline_since is not null "
    "and (baseline_part = 0 or progress_at < now() - interval '60 s')) as need order by rank, since, name limit "
    "$2::bigint";

int store_position_claim(struct store_db *db, const char *consumer, bool *minep)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    struct store_args args = {.n = 0};
    int r;

    store_arg_text(&args, consumer);
    r = store_db_run(db, position_sql_claim, &args, &result);
    *minep = !r && store_field_bool(result, 0, 0);
    return r;
}

static int position_key(struct store_db *db, uint8_t key[static 16])
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r = store_db_run(db, position_sql_key, NULL, &result);
    const char *hex;

    if (r)
        return r;
    if (PQntuples(result) != 1)
        return STORE_DB_E_SCHEMA;
    hex = PQgetvalue(result, 0, 0);
    for (size_t i = 0; i < 16; i++)
        key[i] = (uint8_t)(strchr("0123456789abcdef", hex[2 * i]) - "0123456789abcdef") << 4 |
                 (uint8_t)(strchr("0123456789abcdef", hex[2 * i + 1]) - "0123456789abcdef");
    return 0;
}

int store_position_prepare(struct store_db *db, const char *consumer, uint8_t ikey_key[static 16])
{
    struct store_args args = {.n = 0};
    int r;

    store_arg_text(&args, consumer);
    r = store_db_run(db, position_sql_prepare, &args, NULL);
    return r ? r : position_key(db, ikey_key);
}

int store_position_lock(struct store_db *db, const char *consumer, struct store_position *position)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    struct store_args args = {.n = 0};
    const char *journal;
    int r;

    store_arg_text(&args, consumer);
    r = store_db_run(db, position_sql_lock, &args, &result);
    if (r)
        return r;
    if (PQntuples(result) != 1)
        return STORE_DB_E_SCHEMA;
    *position = (struct store_position){.next_seq = (uint64_t)store_field_int(result, 0, 1)};
    journal = store_field_text(result, 0, 0);
    if (journal && tip_uuid_parse(&position->journal, journal, strlen(journal)))
        return STORE_DB_E_SCHEMA;
    return 0;
}

int store_position_move(struct store_db *db, const char *consumer, int16_t journal, uint64_t next_seq)
{
    struct store_args args = {.n = 0};

    store_arg_text(&args, consumer);
    store_arg_int(&args, journal);
    store_arg_int(&args, (int64_t)next_seq);
    return store_db_run(db, position_sql_move, &args, NULL);
}

static int journal_ask(struct store_db *db, const char *sql, const char *journal, int16_t *numberp, bool *foundp)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    struct store_args args = {.n = 0};
    int r;

    store_arg_text(&args, journal);
    r = store_db_run(db, sql, &args, &result);
    *foundp = !r && PQntuples(result) == 1;
    if (*foundp)
        *numberp = (int16_t)store_field_int(result, 0, 0);
    return r;
}

int store_journal_number(struct store_db *db, const struct tip_uuid *journal, int16_t *numberp)
{
    char text[TIP_UUID_TEXT];
    bool found;
    int r;

    tip_uuid_format(journal, text);
    r = journal_ask(db, journal_sql_find, text, numberp, &found);
    return r || found ? r : journal_ask(db, journal_sql_make, text, numberp, &found);
}

int store_gap_note(struct store_db *db, const struct store_gap *gap)
{
    struct store_args args = {.n = 0};

    store_arg_int(&args, gap->journal);
    store_arg_int(&args, (int64_t)gap->from_seq);
    store_arg_int(&args, (int64_t)gap->to_seq);
    store_arg_int(&args, gap->source_id);
    store_arg_text(&args, gap->reason);
    return store_db_run(db, gap_sql_note, &args, NULL);
}

int store_gaps_close(struct store_db *db)
{
    return store_db_run(db, gap_sql_close, NULL, NULL);
}

int store_need_all(struct store_db *db, const char *consumer, const char *reason)
{
    struct store_args all = {.n = 0}, each = {.n = 0};
    int r;

    store_arg_text(&all, consumer);
    store_arg_text(&all, reason);
    store_arg_text(&each, reason);
    r = store_db_run(db, need_sql_all, &all, NULL);
    return r ? r : store_db_run(db, need_sql_sources, &each, NULL);
}

static int need_run(struct store_db *db, const char *sql, const char *name)
{
    struct store_args args = {.n = 0};

    store_arg_text(&args, name);
    return store_db_run(db, sql, &args, NULL);
}

int store_need_all_taken(struct store_db *db, const char *consumer, const char *since, bool *takenp)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    struct store_args args = {.n = 0};
    int r;

    store_arg_text(&args, consumer);
    store_arg_text(&args, since);
    r = store_db_run(db, need_sql_taken, &args, &result);
    *takenp = !r && strcmp(PQcmdTuples(result), "0") != 0;
    return r;
}

int store_source_orphan(struct store_db *db, const char *source)
{
    return need_run(db, need_sql_orphan, source);
}

int store_needs_list(struct store_db *db, const char *consumer, int most, PGresult **resultp)
{
    struct store_args args = {.n = 0};

    store_arg_text(&args, consumer);
    store_arg_int(&args, most);
    return store_db_run(db, need_sql_list, &args, resultp);
}

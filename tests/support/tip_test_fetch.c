/*
 * A consumer for tests: follows the journal and appends one line a record, `seq publisher pub_seq topic digest
 * epoch class_seq tlp commit_us`, behind one line `journal ID` for each journal it meets and `break KIND NEXT` for each
 * break. The lines are its state: a torn
 * last one is cut at the start, then it goes on behind the last record. Killed at any moment it misses nothing.
 *
 *     tip_test_fetch FILE FETCH CONSUMER [PREFIX...]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include <tip/bus.h>
#include <tip/log.h>

enum { FETCH_LINE_MAX = 1024 };

struct follower {
    struct tip_loop *loop;
    struct tip_bus *bus;
    struct tip_fetch *fetch;
    FILE *out;
    struct tip_id journal_id;
    uint64_t next_seq;
};

static void follower_id_text(const struct tip_id *id, char *text)
{
    for (size_t i = 0; i < sizeof(id->bytes); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", id->bytes[i]);
}

static void follower_id_read(struct tip_id *id, const char *text)
{
    unsigned byte;

    for (size_t i = 0; i < sizeof(id->bytes) && sscanf(text + 2 * i, "%2x", &byte) == 1; i++)
        id->bytes[i] = (uint8_t)byte;
}

static void follower_die(const char *what)
{
    perror(what);
    exit(1);
}

/* What is on disk is what counts as committed. */
static void follower_sync(struct follower *follower)
{
    if (fflush(follower->out) || fdatasync(fileno(follower->out)) == -1)
        follower_die("tip_test_fetch: sync");
}

static void follower_journal(struct follower *follower, const struct tip_id *journal_id)
{
    char text[2 * sizeof(journal_id->bytes) + 1];

    if (tip_id_equal(&follower->journal_id, journal_id))
        return;
    follower->journal_id = *journal_id;
    follower_id_text(journal_id, text);
    fprintf(follower->out, "journal %s\n", text);
}

static void follower_record(FILE *out, const struct tip_record *record)
{
    const struct tip_stamp *stamp = &record->stamp;
    uint8_t hash[crypto_generichash_BYTES_MIN];
    char digest[2 * 8 + 1];

    crypto_generichash(hash, sizeof(hash), record->event, record->event_len, NULL, 0);
    (void)sodium_bin2hex(digest, sizeof(digest), hash, 8);
    fprintf(out, "%llu %s %llu %s %s %llu %llu %d %lld\n", (unsigned long long)stamp->seq, stamp->publisher,
            (unsigned long long)stamp->pub_seq, stamp->topic, digest, (unsigned long long)stamp->epoch,
            (unsigned long long)stamp->class_seq, (int)stamp->tlp, (long long)stamp->commit_unix_us);
}

static void follower_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct follower *follower = ctx;

    follower_journal(follower, &batch->journal_id);
    for (size_t i = 0; i < batch->n_records; i++)
        follower_record(follower->out, &batch->records[i]);
    follower_sync(follower);
    tip_fetch_done(follower->fetch, &batch->journal_id, batch->next_seq);
}

static void follower_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    static const char *const names[] = {
        [TIP_FETCH_NEW_JOURNAL] = "new_journal", [TIP_FETCH_TRIMMED] = "trimmed", [TIP_FETCH_DAMAGED] = "damaged"};
    struct follower *follower = ctx;

    follower_journal(follower, journal_id);
    fprintf(follower->out, "break %s %llu\n", names[why], (unsigned long long)next_seq);
    follower_sync(follower);
    tip_fetch_done(follower->fetch, journal_id, next_seq);
}

static void follower_read_line(struct follower *follower, const char *line)
{
    unsigned long long seq;
    char kind[32];

    if (strncmp(line, "journal ", 8) == 0)
        follower_id_read(&follower->journal_id, line + 8);
    else if (sscanf(line, "break %31s %llu", kind, &seq) == 2)
        follower->next_seq = seq;
    else if (sscanf(line, "%llu", &seq) == 1)
        follower->next_seq = seq + 1;
}

/* Where an earlier life came to; a line without its end never was. */
static void follower_load(struct follower *follower, const char *path)
{
    char line[FETCH_LINE_MAX];
    long whole = 0;

    follower->out = fopen(path, "a+e");
    if (!follower->out)
        follower_die(path);
    rewind(follower->out);
    while (fgets(line, sizeof(line), follower->out) && strchr(line, '\n')) {
        follower_read_line(follower, line);
        whole = ftell(follower->out);
    }
    if (ftruncate(fileno(follower->out), whole) == -1 || fseek(follower->out, 0, SEEK_END))
        follower_die(path);
}

int main(int argc, char **argv)
{
    struct follower follower = {0};
    struct tip_bus_config bus = {.name = "test"};
    struct tip_fetch_config fetch = {
        .on_batch = follower_on_batch, .on_break = follower_on_break, .max_events = 500, .ctx = &follower};
    int r;

    if (argc < 4)
        return 2;
    tip_log_init(argv[3]);
    follower_load(&follower, argv[1]);
    bus.fetch = argv[2];
    fetch.consumer = argv[3];
    fetch.prefixes = argc > 4 ? (const char *const *)argv + 4 : NULL; /* argv ends with NULL */
    fetch.journal_id = follower.journal_id;
    fetch.from_seq = follower.next_seq;
    follower.loop = tip_loop_new();
    r = tip_bus_open(&follower.bus, follower.loop, &bus);
    if (!r)
        r = tip_fetch_open(&follower.fetch, follower.bus, &fetch);
    if (!r)
        r = tip_loop_run(follower.loop);
    return r ? 1 : 0;
}

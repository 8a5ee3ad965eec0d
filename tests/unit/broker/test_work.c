/* Work queues: the state table row by row, turns, bounds, and random histories against invariants. */
#include <check.h>
#include <random.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/access.h"
#include "core/due.h"
#include "core/outside.h"
#include "core/work.h"

enum { SAID_MAX = 4000 };

static struct broker_peer peer(const char *name)
{
    struct broker_peer out;

    assert_true(broker_peer_set(&out, name, strlen(name)));
    return out;
}

/* ---- a broker on paper: what it is told, as words; what it says, as text ---- */

struct paper {
    struct work *work;
    int64_t now_ms;
    char said[SAID_MAX];
    char gone[8], busy[8]; /* workers, a letter each */
};

static void paper_say(struct paper *paper, const char *what, const struct broker_peer *to, const uint8_t *id,
                      const char *more)
{
    size_t at = strlen(paper->said);

    (void)snprintf(paper->said + at, sizeof(paper->said) - at, "%s%s(%.*s,%c%s%s)", at ? " " : "", what, to->len,
                   (const char *)to->bytes, id ? id[0] : '-', more[0] ? "," : "", more);
}

static enum work_sent paper_reach(const struct paper *paper, const struct broker_peer *to)
{
    if (strchr(paper->gone, to->bytes[0]))
        return WORK_GONE;
    return strchr(paper->busy, to->bytes[0]) ? WORK_BUSY : WORK_SENT;
}

static enum work_sent paper_job(void *ctx, const struct broker_peer *to, const struct work_job *job)
{
    struct paper *paper = ctx;
    char more[64];

    (void)snprintf(more, sizeof(more), "%u", job->attempt);
    if (paper_reach(paper, to) == WORK_SENT)
        paper_say(paper, "job", to, job->id, more);
    return paper_reach(paper, to);
}

static void paper_result(void *ctx, const struct broker_peer *to, const uint8_t *id, const uint8_t *body, size_t n)
{
    (void)body;
    (void)n;
    paper_say(ctx, "result", to, id, "");
}

static void paper_failed(void *ctx, const struct broker_peer *to, const uint8_t *id, const char *reason, uint32_t code)
{
    char more[600];

    (void)snprintf(more, sizeof(more), "%u %s", code, reason);
    paper_say(ctx, "failed", to, id, more);
}

static void paper_lost(void *ctx, const struct broker_peer *to, const uint8_t *id, uint32_t attempt)
{
    char more[16];

    (void)snprintf(more, sizeof(more), "%u", attempt);
    paper_say(ctx, "lost", to, id, more);
}

static enum work_sent paper_probe(void *ctx, const struct broker_peer *to)
{
    return paper_reach(ctx, to);
}

static void paper_open(struct paper *paper, const struct work_limits *limits)
{
    const struct work_out out = {paper_job, paper_result, paper_failed, paper_lost, paper_probe, paper};

    *paper = (struct paper){.now_ms = 1000};
    paper->work = work_new(limits, &out, paper->now_ms);
}

struct words {
    char what;
    char who[9], queue[9];
    char id;
    unsigned n[3];
};

static void paper_returned(struct paper *paper, int r)
{
    static const char *const names[] = {[WORK_E_INVALID] = "INVALID", [WORK_E_FULL] = "FULL", [WORK_E_LOST] = "LOST"};
    size_t at = strlen(paper->said);

    if (r)
        (void)snprintf(paper->said + at, sizeof(paper->said) - at, "%s%s", at ? " " : "", names[r]);
}

static int paper_answer(struct paper *paper, const struct broker_peer *from, const uint8_t *id,
                        const struct words *words)
{
    const struct work_answer answer = {.id = id,
                                       .id_len = WORK_ID_BYTES,
                                       .attempt = words->n[0],
                                       .body = (const uint8_t *)"yes",
                                       .body_len = 3,
                                       .reason = words->what == 'F' ? "no" : NULL,
                                       .code = words->n[1]};

    return work_answer(paper->work, from, &answer, paper->now_ms);
}

static int paper_put(struct paper *paper, const struct broker_peer *from, const uint8_t *id, const struct words *words)
{
    const struct work_put put = {.id = id,
                                 .id_len = WORK_ID_BYTES,
                                 .queue = words->queue,
                                 .caller = words->who,
                                 .body = (const uint8_t *)"?",
                                 .body_len = 1,
                                 .deadline_ms = words->n[0],
                                 .lease_ms = words->n[1],
                                 .max_attempts = words->n[2]};

    return work_put(paper->work, from, &put, paper->now_ms);
}

static int paper_step(struct paper *paper, const struct words *words)
{
    struct broker_peer from = peer(words->who);
    uint8_t id[WORK_ID_BYTES];

    memset(id, words->id, sizeof(id));
    switch (words->what) {
    case 'P':
        return paper_put(paper, &from, id, words);
    case 'T':
        return work_take(paper->work, &from, words->queue, words->n[0], paper->now_ms);
    case 'R':
        return work_renew(paper->work, &from, &(struct work_renewal){id, sizeof(id), words->n[0], words->n[1]},
                          paper->now_ms);
    case 'H':
        work_heard(paper->work, &from, paper->now_ms);
        return 0;
    case 'G':
        work_gone(paper->work, &from, paper->now_ms);
        return 0;
    default:
        return paper_answer(paper, &from, id, words);
    }
}

/*
 * One step a word: P:caller:id:queue:deadline:lease:attempts, T:worker:queue:credit, D:worker:id:attempt (DONE),
 * F:worker:id:attempt:code (FAIL), R:worker:id:attempt:lease (RENEW), H:worker (heard), G:worker (its connection has
 * ended), g:worker (it cannot be reached), b:worker (it does not read), +ms.
 */
static void paper_word(struct paper *paper, const char *word)
{
    struct words words = {.what = word[0], .who = "-", .id = '-', .queue = "q"};
    unsigned *n = words.n;
    size_t len;

    switch (word[0]) {
    case '+':
        paper->now_ms += atoi(word + 1);
        work_tick(paper->work, paper->now_ms);
        return;
    case 'g':
    case 'b':
        len = strlen(word[0] == 'g' ? paper->gone : paper->busy);
        (word[0] == 'g' ? paper->gone : paper->busy)[len] = word[2];
        return;
    case 'T':
        (void)sscanf(word, "T:%8[^:]:%8[^:]:%u", words.who, words.queue, n);
        break;
    case 'P':
        (void)sscanf(word, "P:%8[^:]:%c:%8[^:]:%u:%u:%u", words.who, &words.id, words.queue, n, n + 1, n + 2);
        break;
    default:
        (void)sscanf(word + 1, ":%8[^:]:%c:%u:%u", words.who, &words.id, n, n + 1);
    }
    paper_returned(paper, paper_step(paper, &words));
}

static void paper_play(struct paper *paper, const char *script)
{
    char text[600], *rest = text;
    const char *word;

    assert_true(strlen(script) < sizeof(text));
    strcpy(text, script);
    while ((word = strtok_r(rest, " ", &rest)))
        paper_word(paper, word);
}

static const struct work_limits limits_small = {
    .queue_max = 5, .caller_max = 4, .jobs_max = 8, .workers_max = 3, .bytes_max = 100};

struct row {
    const char *script, *said;
};

static void play_rows(const struct row *rows, size_t n)
{
    struct paper paper;

    for (size_t i = 0; i < n; i++) {
        paper_open(&paper, &limits_small);
        paper_play(&paper, rows[i].script);
        if (strcmp(paper.said, rows[i].said) != 0)
            print_message("%s\n", rows[i].script);
        assert_string_equal(paper.said, rows[i].said);
        work_destroy(&paper.work);
    }
}

#define PLAY(rows) play_rows(rows, sizeof(rows) / sizeof((rows)[0]))

/* ---- the state table ---- */

static void test_calls(void **state)
{
    static const struct row rows[] = {
        {"P:c:a:q:5000:0:0", ""},
        {"P:c:a:q:5000:0:0 T:w:q:1", "job(w,a,1)"},
        {"T:w:q:1 P:c:a:q:5000:0:0", "job(w,a,1)"},
        {"T:w:q:1 P:c:a:q:5000:0:0 P:c:b:q:5000:0:0 D:w:a:1 T:w:q:1", "job(w,a,1) result(c,a) job(w,b,1)"},
        {"T:w:q:1 P:c:a:q:5000:0:0 P:d:a:q:5000:0:0 P:c:a:q:5000:0:0 D:w:a:1", "job(w,a,1) result(c,a) result(d,a)"},
        {"T:w:q:1 P:c:a:q:5000:0:0 F:w:a:1:2", "job(w,a,1) failed(c,a,2 no)"},
        {"T:w:q:1 P:c:a:q:5000:0:0 F:w:a:1:0", "job(w,a,1) failed(c,a,1 no)"},
        {"T:w:q:1 P:c:a:q:5000:0:0 F:w:a:1:5", "job(w,a,1) failed(c,a,5 no)"}, /* one attempt: its own words */
        {"T:w:q:1 P:c:a:q:500:0:0 +499 +1 D:w:a:1",
         "job(w,a,1) lost(w,a,1) failed(c,a,3 'q' did not answer in time) LOST"},
        {"T:w:x:1 P:c:a:q:500:0:0 +500", "failed(c,a,4 no service answers 'q')"},
        {"T:w:q:0 P:c:a:q:500:0:0 +500", "failed(c,a,3 'q' did not answer in time)"},
        {"T:w:q:1 P:c:a:q:60000:0:1 G:w",
         "job(w,a,1) failed(c,a,3 the one attempt at 'q' failed, because its worker is "
         "gone)"},
        {"P:c:a:q:0:0:0 +599999 +1", "failed(c,a,4 no service answers 'q')"},
    };

    (void)state;
    PLAY(rows);
}

static void test_leases(void **state)
{
    static const struct row rows[] = {
        /* it runs out: back, and to whoever is idle */
        {"T:w:q:1 P:c:a:q:60000:3000:2 +2999 T:v:q:1 +1 D:w:a:1 D:v:a:2",
         "job(w,a,1) lost(w,a,1) job(v,a,2) LOST result(c,a)"},
        {"T:w:q:1 P:c:a:q:60000:3000:2 +3000 T:w:q:1 D:w:a:1 D:w:a:2",
         "job(w,a,1) lost(w,a,1) job(w,a,2) LOST result(c,a)"},
        /* whose lease ran out gets nothing more until it asks again */
        {"T:w:q:9 P:c:a:q:60000:3000:2 +3000 P:c:b:q:60000:3000:2 T:w:q:1", "job(w,a,1) lost(w,a,1) job(w,a,2)"},
        /* a short one is raised */
        {"T:w:q:1 P:c:a:q:60000:1:2 +1999 +1", "job(w,a,1) lost(w,a,1)"},
        /* renewed: from now, for as long as is said, or as the caller said, never past the deadline */
        {"T:w:q:1 P:c:a:q:60000:3000:2 +2000 R:w:a:1:5000 +4999 +1", "job(w,a,1) lost(w,a,1)"},
        {"T:w:q:1 P:c:a:q:60000:3000:2 +2000 R:w:a:1:0 +2999 +1", "job(w,a,1) lost(w,a,1)"},
        {"T:w:q:1 P:c:a:q:4000:3000:2 R:w:a:1:9000 +3999 +1",
         "job(w,a,1) lost(w,a,1) failed(c,a,3 'q' did not answer in time)"},
        {"T:w:q:2 P:c:a:q:60000:3000:2 R:w:a:2:0 R:v:a:1:0 R:w:z:1:0", "job(w,a,1) LOST LOST LOST"},
        {"T:w:q:1 P:c:a:q:60000:3000:2 +3000 R:w:a:1:0", "job(w,a,1) lost(w,a,1) LOST"},
        /* given up after the last attempt */
        {"T:w:q:2 P:c:a:q:60000:3000:2 +3000 T:w:q:2 +3000 D:w:a:2",
         "job(w,a,1) lost(w,a,1) job(w,a,2) lost(w,a,2) failed(c,a,3 all 2 attempts at 'q' failed, the last because "
         "its "
         "lease ran out) LOST"},
        {"T:w:q:9 P:c:a:q:60000:9000:2 F:w:a:1:5 T:w:q:9 F:w:a:2:5",
         "job(w,a,1) job(w,a,2) failed(c,a,5 all 2 attempts at 'q' failed, the last because its worker said: no)"},
        {"T:w:q:9 P:c:a:q:60000:9000:2 F:w:a:1:5 T:w:q:9 G:w",
         "job(w,a,1) job(w,a,2) failed(c,a,3 all 2 attempts at 'q' failed, "
         "the last because its worker is gone)"},
        /* any other refusal is final */
        {"T:w:q:9 P:c:a:q:60000:9000:9 F:w:a:1:1", "job(w,a,1) failed(c,a,1 no)"},
        /* the deadline, between two attempts */
        {"T:w:q:1 P:c:a:q:5000:3000:9 +3000 +2000",
         "job(w,a,1) lost(w,a,1) failed(c,a,3 'q' did not answer in time, in 1 attempts; one failed because its lease "
         "ran out)"},
        /* answers of others */
        {"T:w:q:1 P:c:a:q:5000:0:0 D:x:a:1 D:w:a:2 D:w:z:1 D:w:a:0 D:w:a:1",
         "job(w,a,1) LOST LOST LOST LOST result(c,a)"},
        {"P:c:a:q:5000:0:0 D:w:a:0", "LOST"},
    };

    (void)state;
    PLAY(rows);
}

static void test_workers(void **state)
{
    static const struct row rows[] = {
        /* silent: a lease goes back, however long it is */
        {"T:w:q:1 P:c:a:q:60000:0:2 +14999 T:v:q:1 +1", "job(w,a,1) lost(w,a,1) job(v,a,2)"},
        {"T:w:q:1 P:c:a:q:60000:0:2 +9000 H:w +14999 D:w:a:1", "job(w,a,1) result(c,a)"},
        {"T:w:q:1 P:c:a:q:60000:0:2 +9000 T:w:q:0 +14999 +1", "job(w,a,1) lost(w,a,1)"},
        {"T:w:q:1 P:c:a:q:60000:0:2 +9000 R:w:a:1:0 +14999 +1", "job(w,a,1) lost(w,a,1)"},
        {"T:w:q:1 +15000 P:c:a:q:500:0:0 +500", "failed(c,a,4 no service answers 'q')"},
        /* a call of its fails at once */
        {"T:w:q:1 P:c:a:q:60000:0:0 +15000",
         "job(w,a,1) lost(w,a,1) failed(c,a,3 the one attempt at 'q' failed, because its worker fell silent)"},
        /* gone: noticed by a probe, by a job that cannot be sent, by being told */
        {"T:w:q:1 P:c:a:q:60000:0:2 +0 T:v:q:1 g:w +1000", "job(w,a,1) job(v,a,2)"},
        {"T:w:q:2 T:v:q:1 P:c:a:q:60000:0:2 g:w P:c:b:q:60000:0:2 P:c:d:q:60000:0:2 T:v:q:2",
         "job(w,a,1) job(v,b,1) job(v,a,2) job(v,d,1)"},
        {"T:w:q:1 T:w:r:1 P:c:a:q:60000:0:2 P:c:b:r:60000:0:2 G:w T:v:r:1 T:v:q:1",
         "job(w,a,1) job(w,b,1) job(v,b,2) job(v,a,2)"},
        {"G:w H:w", ""},
        /* all of them at once */
        {"T:u:q:1 T:v:q:1 T:w:q:1 g:u g:v P:c:a:q:60000:0:2", "job(w,a,1)"},
        /* does not read: gets nothing until it asks again, keeps what it has */
        {"T:w:q:2 P:c:a:q:60000:0:2 b:w P:c:b:q:60000:0:2 D:w:a:1", "job(w,a,1) result(c,a)"},
        /* in turn */
        {"T:v:q:2 T:w:q:2 P:c:a:q:9000:0:0 P:c:b:q:9000:0:0 P:c:d:q:9000:0:0 P:c:e:q:9000:0:0",
         "job(v,a,1) job(w,b,1) job(v,d,1) job(w,e,1)"},
    };

    (void)state;
    PLAY(rows);
}

static void test_limits(void **state)
{
    static const struct row rows[] = {
        {"P:c:a:q:9:0:0 P:c:b:q:9:0:0 P:c:d:q:9:0:0 P:c:e:q:9:0:0 P:c:f:q:9:0:0", "FULL"}, /* of a caller */
        {"P:c:a:q:9:0:0 P:c:b:q:9:0:0 P:c:d:q:9:0:0 P:c:e:q:9:0:0 P:x:f:q:9:0:0 P:x:g:q:9:0:0", "FULL"},
        {"P:c:a:q:9:0:0 P:c:b:q:9:0:0 P:c:d:q:9:0:0 P:c:e:q:9:0:0 P:c:a:q:9:0:0", ""}, /* there already */
        {"P:a:a:q:9:0:0 P:b:b:r:9:0:0 P:c:c:s:9:0:0 P:d:d:t:9:0:0 P:e:e:u:9:0:0 P:f:f:v:9:0:0 P:g:g:w:9:0:0 "
         "P:h:h:x:9:0:0 P:i:i:y:9:0:0",
         "FULL"},
        {"T:u:q:1 T:v:q:1 T:w:q:1 T:x:q:1", "FULL"},
        {"T:u:q:1 T:u:r:1 T:u:s:1 T:u:t:1", "FULL"},
        {"T:u:q:1 T:u:r:1 T:u:s:1 G:u T:u:t:1", ""},
        {"P:c:a:Q:9:0:0 P:C:a:q:9:0:0 T:w:Q:1", "INVALID INVALID INVALID"},
        {"P:c:a:q:9:0:0 P:c:a:r:9:0:0", "INVALID"}, /* an id of another queue */
    };

    (void)state;
    PLAY(rows);
}

static int outside_put(struct work *work, const struct access_key *key, const char *queue, size_t bytes, int64_t now_ms)
{
    static uint8_t body[4096];
    static uint64_t number;
    uint8_t id[WORK_ID_BYTES] = {0};
    char caller[WORK_NAME_MAX + 1];
    struct broker_peer from = peer("o");

    from.key = key;
    number++;
    memcpy(id, &number, sizeof(number));
    (void)snprintf(caller, sizeof(caller), "%s.%u", key ? key->name : "in", (unsigned)(number % 5));
    return work_put(work, &from, &(struct work_put){id, sizeof(id), queue, caller, body, bytes, 600000, 0, 0}, now_ms);
}

/* A key outside, under whatever names and in whatever queues, leaves the others what they need. */
static void test_those_outside(void **state)
{
    static const struct work_limits limits = {1000, 1000, 200, 10, 64 * 1024};
    static const struct access_key keys[] = {{.name = "many", .roles = 1 << ACCESS_CONSUMER},
                                             {.name = "more", .roles = 1 << ACCESS_CONSUMER}};
    struct work_stats stats;
    struct paper paper;

    (void)state;
    paper_open(&paper, &limits);
    assert_int_equal(outside_put(paper.work, &keys[0], "q", 1, 1000 + WORK_SILENCE_MS - 1), 0); /* somebody may come */
    assert_int_equal(outside_put(paper.work, &keys[0], "r", 1, 1000 + WORK_SILENCE_MS), WORK_E_NOBODY);
    work_stats(paper.work, &stats);
    assert_int_equal(stats.nobody, 1);
    for (unsigned i = 1; i < OUTSIDE_KEY_JOBS; i++)
        assert_int_equal(outside_put(paper.work, &keys[0], "q", 1, 20000), 0);
    assert_int_equal(outside_put(paper.work, &keys[0], "q", 1, 20000), WORK_E_FULL);
    for (unsigned i = 0; i < 100 - OUTSIDE_KEY_JOBS; i++)
        assert_int_equal(outside_put(paper.work, &keys[1], "q", 1, 20000), 0);
    assert_int_equal(outside_put(paper.work, &keys[1], "q", 1, 20000), WORK_E_FULL); /* half of all */
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(outside_put(paper.work, NULL, "r", 1, 20000), 0); /* the other half */
    assert_int_equal(outside_put(paper.work, NULL, "r", 1, 20000), WORK_E_FULL);
    work_tick(paper.work, 20000 + WORK_OUTSIDE_MAX_MS); /* theirs have ended */
    assert_int_equal(outside_put(paper.work, &keys[0], "q", 4096, 90000), 0);
    assert_int_equal(outside_put(paper.work, &keys[0], "q", 1, 90000), WORK_E_FULL); /* a sixteenth of the bytes */
    assert_int_equal(outside_put(paper.work, &keys[1], "q", 4096, 90000), 0);
    work_destroy(&paper.work);
}

/* One caller has 4 jobs, the others one each: they take turns. */
static void test_callers_take_turns(void **state)
{
    static const struct work_limits limits = {
        .queue_max = 99, .caller_max = 99, .jobs_max = 99, .workers_max = 9, .bytes_max = 100};
    struct paper paper;

    (void)state;
    paper_open(&paper, &limits);
    paper_play(&paper, "P:x:a:q:60000:3000:3 P:x:b:q:60000:3000:3 P:x:c:q:60000:3000:3 P:x:d:q:60000:3000:3 "
                       "P:y:e:q:60000:3000:3 P:z:f:q:60000:3000:3 T:w:q:4");
    assert_string_equal(paper.said, "job(w,a,1) job(w,e,1) job(w,f,1) job(w,b,1)");
    paper.said[0] = 0;
    paper_play(&paper, "+1 F:w:b:1:5 F:w:a:1:5 +2999"); /* all go back, each first in its caller's line */
    paper.said[0] = 0;
    paper_play(&paper, "T:v:q:6");
    assert_string_equal(paper.said, "job(v,a,2) job(v,e,2) job(v,f,2) job(v,b,2) job(v,c,1) job(v,d,1)");
    work_destroy(&paper.work);
}

/* ---- what there is ---- */

struct seen {
    size_t n;
    struct work_queue_stats last;
    char name[WORK_NAME_MAX + 1];
};

static void see(void *ctx, const struct work_queue_stats *stats)
{
    struct seen *seen = ctx;

    seen->n++;
    seen->last = *stats;
    strcpy(seen->name, stats->name);
}

static void test_stats(void **state)
{
    struct work_stats stats;
    struct paper paper;
    struct seen seen = {0};
    char script[64];

    (void)state;
    paper_open(&paper, &limits_small);
    paper_play(&paper, "T:w:q:2 P:c:a:q:60000:3000:2 P:c:b:q:9000:0:0 P:c:d:q:60000:0:0 P:x:e:q:60000:0:0 T:w:q:0 "
                       "+3000 D:w:a:1");
    work_each_queue(paper.work, paper.now_ms, see, &seen);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.name, "q");
    assert_int_equal(seen.last.n_waiting, 3);
    assert_int_equal(seen.last.n_running, 1);
    assert_int_equal(seen.last.n_workers, 1);
    assert_int_equal(seen.last.n_callers, 2);
    assert_int_equal(seen.last.credit, 0);
    assert_int_equal(seen.last.oldest_ms, 3000);
    assert_int_equal(seen.last.retried, 1);
    assert_int_equal(seen.last.lost, 1);
    paper_play(&paper, "+6000 T:w:q:7");
    work_each_queue(paper.work, paper.now_ms, see, &seen);
    assert_int_equal(seen.last.late, 1);
    assert_int_equal(seen.last.failed, 1);
    assert_int_equal(seen.last.credit, 4);
    assert_int_equal(seen.last.oldest_ms, 0);
    paper_play(&paper, "D:w:a:2 D:w:d:1 D:w:e:1 G:w");
    work_stats(paper.work, &stats);
    assert_int_equal(stats.n_queues, 0);
    assert_int_equal(stats.n_workers, 0);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(stats.done, 3);
    for (int i = 0; i < 3 * WORK_QUEUES_KEPT; i++) { /* names do not pile up */
        (void)snprintf(script, sizeof(script), "P:c:a:n%d:10:0:0 +10", i);
        paper_play(&paper, script);
        paper.said[0] = 0;
    }
    seen.n = 0;
    work_each_queue(paper.work, paper.now_ms, see, &seen);
    assert_int_equal(seen.n, WORK_QUEUES_KEPT);
    assert_int_equal(work_next_ms(paper.work), INT64_MAX);
    work_destroy(&paper.work);
}

/* ---- random histories ---- */

enum { RND_JOBS = 200, RND_WORKERS = 12, RND_CALLERS = 6, RND_QUEUES = 3, RND_STEPS = 100000 };

static const struct work_limits limits_random = {
    .queue_max = 40, .caller_max = 25, .jobs_max = 90, .workers_max = 20, .bytes_max = 4000};

/* What must be true, kept beside: who holds a job, and who waits for it. */
struct model {
    uint64_t random;
    int64_t now_ms;
    int holder[RND_JOBS]; /* worker + 1; 0: none */
    uint32_t attempt[RND_JOBS], max_attempts[RND_JOBS];
    bool waits[RND_JOBS][RND_CALLERS];
    bool is_gone[RND_WORKERS];
    uint64_t n_ends, n_waits, n_lost;
};

static unsigned pick(struct model *model, unsigned n)
{
    return (unsigned)(test_random(&model->random) % n);
}

static struct broker_peer numbered(char kind, unsigned n)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "%c%u", kind, n);
    return peer(name);
}

static unsigned number_of(const struct broker_peer *to)
{
    char text[BROKER_PEER_MAX + 1] = {0};

    memcpy(text, to->bytes, to->len);
    return (unsigned)atoi(text + 1);
}

static enum work_sent model_reach(struct model *model, unsigned worker)
{
    if (!model->is_gone[worker])
        return pick(model, 20) ? WORK_SENT : WORK_BUSY;
    for (size_t i = 0; i < RND_JOBS; i++) {
        if (model->holder[i] == (int)worker + 1)
            model->holder[i] = 0;
    }
    return WORK_GONE;
}

static enum work_sent model_job(void *ctx, const struct broker_peer *to, const struct work_job *job)
{
    struct model *model = ctx;
    unsigned i = job->id[0];
    enum work_sent sent = model_reach(model, number_of(to));

    assert_int_equal(model->holder[i], 0); /* at one worker at most */
    assert_int_equal(job->attempt, model->attempt[i] + 1);
    assert_true(job->attempt <= model->max_attempts[i]);
    assert_true(job->left_ms > 0 && job->lease_ms > 0 && job->lease_ms <= job->left_ms);
    if (sent == WORK_SENT) {
        model->holder[i] = (int)number_of(to) + 1;
        model->attempt[i]++;
    }
    return sent;
}

static void model_end(struct model *model, const struct broker_peer *to, const uint8_t *id)
{
    assert_true(model->waits[id[0]][number_of(to)]); /* once a caller that waits, and no other */
    model->waits[id[0]][number_of(to)] = false;
    model->holder[id[0]] = 0;
    model->n_ends++;
}

static void model_result(void *ctx, const struct broker_peer *to, const uint8_t *id, const uint8_t *body, size_t n)
{
    (void)body;
    (void)n;
    model_end(ctx, to, id);
}

static void model_failed(void *ctx, const struct broker_peer *to, const uint8_t *id, const char *reason, uint32_t code)
{
    assert_true(reason[0] && code);
    model_end(ctx, to, id);
}

static void model_lost(void *ctx, const struct broker_peer *to, const uint8_t *id, uint32_t attempt)
{
    struct model *model = ctx;

    assert_int_equal(model->holder[id[0]], (int)number_of(to) + 1);
    assert_int_equal(model->attempt[id[0]], attempt);
    model->holder[id[0]] = 0;
}

static enum work_sent model_probe(void *ctx, const struct broker_peer *to)
{
    return model_reach(ctx, number_of(to));
}

static const char *random_queue(unsigned i)
{
    static const char *const names[RND_QUEUES] = {"red", "green", "blue"};

    return names[i % RND_QUEUES];
}

static void random_put(struct model *model, struct work *work)
{
    static const uint8_t body[64];
    unsigned i = pick(model, RND_JOBS), by = pick(model, RND_CALLERS), waiting = 0;
    struct broker_peer from = numbered('c', by);
    uint8_t id[WORK_ID_BYTES] = {(uint8_t)i};
    struct work_put put = {id, sizeof(id), random_queue(i), "c0", body, pick(model, sizeof(body)), 0, 0, 0};
    char caller[4] = {'c', (char)('0' + by), 0};

    put.caller = caller;
    put.deadline_ms = 1 + pick(model, 30000);
    put.lease_ms = pick(model, 3) ? pick(model, 9000) : 0;
    put.max_attempts = pick(model, 5);
    for (size_t c = 0; c < RND_CALLERS; c++)
        waiting += model->waits[i][c];
    if (!waiting) {
        model->attempt[i] = 0;
        model->max_attempts[i] = put.max_attempts ? put.max_attempts : 1;
    }
    if (waiting == WORK_CALLERS_MAX && !model->waits[i][by])
        return; /* one would be forgotten */
    model->n_waits += !model->waits[i][by];
    model->waits[i][by] = true;
    if (work_put(work, &from, &put, model->now_ms)) {
        assert_int_equal(waiting, 0); /* what is there is joined, full or not */
        model->waits[i][by] = false;
        model->n_waits--;
    }
}

static void random_say(struct model *model, struct work *work)
{
    unsigned i = pick(model, RND_JOBS), by = pick(model, RND_WORKERS);
    uint8_t id[WORK_ID_BYTES] = {(uint8_t)i};
    bool honest = model->holder[i] && pick(model, 8);
    uint32_t attempt = honest ? model->attempt[i] : pick(model, 4);
    bool is_held;
    int r;

    if (honest)
        by = (unsigned)model->holder[i] - 1;
    is_held = model->holder[i] == (int)by + 1 && model->attempt[i] == attempt;
    if (pick(model, 3) == 0) {
        r = work_renew(work, &(struct broker_peer[]){numbered('w', by)}[0],
                       &(struct work_renewal){id, sizeof(id), attempt, pick(model, 9000)}, model->now_ms);
    } else {
        struct work_answer answer = {.id = id, .id_len = sizeof(id), .attempt = attempt};

        answer.reason = pick(model, 3) ? NULL : "because";
        answer.code = pick(model, 7);
        if (is_held)
            model->holder[i] = 0; /* done, failed, or back */
        r = work_answer(work, &(struct broker_peer[]){numbered('w', by)}[0], &answer, model->now_ms);
    }
    assert_int_equal(r, is_held ? 0 : WORK_E_LOST);
    model->n_lost += !is_held;
}

static void random_worker(struct model *model, struct work *work)
{
    unsigned by = pick(model, RND_WORKERS);
    struct broker_peer from = numbered('w', by);

    if (pick(model, 40) == 0) {
        model->is_gone[by] = true;
    } else if (model->is_gone[by]) {
        (void)model_reach(model, by); /* comes back as another connection */
        work_gone(work, &from, model->now_ms);
        model->is_gone[by] = false;
    } else if (pick(model, 4)) {
        int r = work_take(work, &from, random_queue(pick(model, RND_QUEUES)), pick(model, 6), model->now_ms);

        assert_true(r == 0 || r == WORK_E_FULL);
    } else {
        work_heard(work, &from, model->now_ms);
    }
}

struct sums {
    size_t n_waiting, n_running, n_workers;
    uint64_t lost, done, failed, retried;
};

static void sum(void *ctx, const struct work_queue_stats *stats)
{
    struct sums *sums = ctx;

    assert_true(stats->n_waiting + stats->n_running <= limits_random.queue_max);
    sums->n_waiting += stats->n_waiting;
    sums->n_running += stats->n_running;
    sums->n_workers += stats->n_workers;
    sums->done += stats->done;
    sums->failed += stats->failed;
    sums->retried += stats->retried;
}

static void check_bounds(const struct model *model, const struct work *work)
{
    struct sums sums = {0};
    struct work_stats stats;
    size_t n_held = 0;

    work_stats(work, &stats);
    work_each_queue(work, model->now_ms, sum, &sums);
    for (size_t i = 0; i < RND_JOBS; i++)
        n_held += model->holder[i] != 0;
    assert_int_equal(stats.n_running, n_held);
    assert_int_equal(stats.n_waiting, sums.n_waiting);
    assert_int_equal(stats.n_running, sums.n_running);
    assert_int_equal(stats.n_workers, sums.n_workers);
    assert_int_equal(stats.done, sums.done);
    assert_int_equal(stats.failed, sums.failed);
    assert_int_equal(stats.retried, sums.retried);
    assert_int_equal(stats.lost, model->n_lost);
    assert_true(stats.n_waiting + stats.n_running <= limits_random.jobs_max);
    assert_true(stats.n_workers <= limits_random.workers_max && stats.bytes <= limits_random.bytes_max);
}

static void random_step(struct model *model, struct work *work)
{
    static void (*const steps[])(struct model *, struct work *) = {random_put, random_say, random_say, random_worker};
    unsigned which = pick(model, 5);

    if (which < sizeof(steps) / sizeof(steps[0])) {
        steps[which](model, work);
    } else {
        model->now_ms += pick(model, 10) ? pick(model, 200) : pick(model, 6000);
        work_tick(work, model->now_ms);
    }
    check_bounds(model, work);
}

static void test_random_histories(void **state)
{
    struct model *model = tip_new(struct model);
    const struct work_out out = {model_job, model_result, model_failed, model_lost, model_probe, model};
    struct work *work = work_new(&limits_random, &out, 0);
    struct work_stats stats;

    (void)state;
    model->random = test_seed();
    for (int i = 0; i < RND_STEPS; i++)
        random_step(model, work);
    model->now_ms += WORK_DEADLINE_MAX_MS;
    work_tick(work, model->now_ms);
    work_stats(work, &stats);
    assert_int_equal(stats.n_waiting + stats.n_running + stats.n_workers, 0);
    assert_int_equal(model->n_ends, model->n_waits); /* every job has ended, once at each caller */
    assert_true(stats.retried > 1000 && stats.done > 1000 && stats.failed > 1000 && stats.lost > 1000);
    work_destroy(&work);
    free(model);
}

/* ---- the heap ---- */

static void test_due(void **state)
{
    struct due_item items[500] = {0};
    struct due due = {0};
    uint64_t random = test_seed();
    int64_t last = -1;
    size_t n = 0;

    (void)state;
    assert_null(due_first(&due));
    for (int i = 0; i < 5000; i++) {
        struct due_item *item = &items[test_random(&random) % 500];

        if (test_random(&random) % 3)
            due_set(&due, item, (int64_t)(test_random(&random) % 1000));
        else
            due_remove(&due, item);
    }
    for (int i = 0; i < 500; i++)
        n += items[i].place != 0;
    for (; due_first(&due); n--) {
        assert_true(due_first(&due)->at_ms >= last);
        last = due_first(&due)->at_ms;
        due_remove(&due, due_first(&due));
    }
    assert_int_equal(n, 0);
    due_deinit(&due);
}

/* ---- many ---- */

enum { MANY_JOBS = 65536, MANY_WORKERS = 1000 };

struct many {
    uint32_t *at;
    uint64_t n_ended;
};

static enum work_sent many_job(void *ctx, const struct broker_peer *to, const struct work_job *job)
{
    struct many *many = ctx;
    uint32_t i;

    memcpy(&i, job->id, sizeof(i));
    many->at[i] = number_of(to);
    return WORK_SENT;
}

static void many_result(void *ctx, const struct broker_peer *to, const uint8_t *id, const uint8_t *body, size_t n)
{
    struct many *many = ctx;

    (void)to;
    (void)id;
    (void)body;
    (void)n;
    many->n_ended++;
}

static void many_failed(void *ctx, const struct broker_peer *to, const uint8_t *id, const char *reason, uint32_t code)
{
    (void)ctx;
    (void)to;
    (void)id;
    (void)code;
    fail_msg("%s", reason);
}

static void many_lost(void *ctx, const struct broker_peer *to, const uint8_t *id, uint32_t attempt)
{
    (void)ctx;
    (void)to;
    (void)id;
    (void)attempt;
}

static enum work_sent many_probe(void *ctx, const struct broker_peer *to)
{
    (void)ctx;
    (void)to;
    return WORK_SENT;
}

static void many_play(struct work *work, struct many *many)
{
    struct broker_peer caller = peer("c0"), workers[MANY_WORKERS];
    uint8_t id[WORK_ID_BYTES] = {0};

    for (uint32_t i = 0; i < MANY_WORKERS; i++)
        workers[i] = numbered('w', i);
    for (uint32_t i = 0; i < MANY_JOBS; i++) {
        memcpy(id, &i, sizeof(i));
        assert_int_equal(
            work_put(work, &caller, &(struct work_put){id, sizeof(id), "q", "c", id, 4, 60000, 9000, 3}, 0), 0);
    }
    for (uint32_t i = 0; i < MANY_WORKERS; i++)
        assert_int_equal(work_take(work, &workers[i], "q", 66, 0), 0);
    for (uint32_t i = 0; i < MANY_JOBS; i++) {
        memcpy(id, &i, sizeof(i));
        assert_int_equal(work_renew(work, &workers[many->at[i]], &(struct work_renewal){id, sizeof(id), 1, 9000}, 1),
                         0);
    }
    for (uint32_t i = 0; i < MANY_JOBS; i++) {
        memcpy(id, &i, sizeof(i));
        assert_int_equal(work_answer(work, &workers[many->at[i]],
                                     &(struct work_answer){.id = id, .id_len = sizeof(id), .attempt = 1}, 2),
                         0);
        assert_int_equal(work_take(work, &workers[many->at[i]], "q", 66, 2), 0);
    }
}

/* A queue of 65,536 jobs at 1,000 workers: PUT, JOB, RENEW, DONE and TAKE of each. */
static void test_many_jobs_and_workers(void **state)
{
    static const struct work_limits limits = {MANY_JOBS, MANY_JOBS, MANY_JOBS, MANY_WORKERS, 1 << 20};
    struct many many = {.at = tip_new_array(MANY_JOBS, uint32_t)};
    const struct work_out out = {many_job, many_result, many_failed, many_lost, many_probe, &many};
    struct work *work = work_new(&limits, &out, 0);
    clock_t start = clock();
    double ns;

    (void)state;
    many_play(work, &many);
    ns = (double)(clock() - start) * 1e9 / CLOCKS_PER_SEC / (5.0 * MANY_JOBS);
    print_message("%d jobs, %d workers: %.0f ns a frame\n", MANY_JOBS, MANY_WORKERS, ns);
    assert_int_equal(many.n_ended, MANY_JOBS);
    assert_true(ns < 100000); /* one walk over all jobs would be more */
    work_destroy(&work);
    free(many.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),         cmocka_unit_test(test_leases),
        cmocka_unit_test(test_workers),       cmocka_unit_test(test_limits),
        cmocka_unit_test(test_those_outside), cmocka_unit_test(test_callers_take_turns),
        cmocka_unit_test(test_stats),         cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_due),           cmocka_unit_test(test_many_jobs_and_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

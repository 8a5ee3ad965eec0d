/*
 * Scenarios of the scheduler in virtual time: replay_sched FILE. A file is a list of lines, `#` begins a comment.
 *
 *   what happens
 *     wall TIME                 the wall clock at the beginning
 *     job NAME KEY=VALUE…       adds or replaces a job in the configuration; KEY="with blanks"
 *     drop NAME                 takes it out
 *     configure                 the configuration is loaded
 *     advance DURATION          time passes
 *     step [-]DURATION          the wall clock is set
 *     done|failed NAME          the module reports the job's last run
 *     topic [TOPIC]             an event comes by; without: unknown ones were lost
 *     run MODULE[/TARGET] [force]
 *     pause NAME [DURATION]     resume NAME
 *     deaf | hears              reports cannot be heard | are heard
 *     down DURATION             kill -9, and a start after that time, from what was stored
 *
 *   what must have followed, in order; all of it before the next thing happens
 *     due NAME DUE [at WHEN]    a start, for the due time DUE, at wall time WHEN
 *     dues NAME N               N starts
 *     overdue NAME | closed NAME END | joined NAME | coalesced NAME | unknown
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>

#include "core/sched.h"
#include "zones.h"

enum { REPLAY_JOBS_MAX = 1000, REPLAY_WORDS_MAX = 16, REPLAY_DEADLINE_MS = 600000 };

struct replay_stored {
    char key[SCHED_NAME_MAX + 1];
    struct sched_spec spec;
    struct sched_state state;
};

struct replay_seen {
    struct sched_action action;
    int64_t wall_unix_ms;
};

struct replay {
    const char *file;
    unsigned line;
    struct sched *sched;
    struct sched_now now;
    struct sched_spec specs[REPLAY_JOBS_MAX];
    size_t n_specs;
    struct replay_stored stored[REPLAY_JOBS_MAX];
    size_t n_stored;
    struct replay_seen *seen; /* not yet asked for */
    size_t n_seen, room_seen;
};

static const char *const action_names[SCHED_ACTION_COUNT] = {
    [SCHED_ACT_DUE] = "due",       [SCHED_ACT_JOINED] = "joined",   [SCHED_ACT_OVERDUE] = "overdue",
    [SCHED_ACT_CLOSED] = "closed", [SCHED_ACT_UNKNOWN] = "unknown", [SCHED_ACT_COALESCED] = "coalesced",
    [SCHED_ACT_FORGET] = "forget", [SCHED_ACT_LIFTED] = "lifted",
};

static void replay_print_seen(const struct replay *replay)
{
    for (size_t i = 0; i < replay->n_seen && i < 10; i++) {
        const struct replay_seen *seen = &replay->seen[i];
        char due[TIP_CLOCK_TEXT], at[TIP_CLOCK_TEXT];

        tip_clock_format(seen->action.run.due_unix_ms, due);
        tip_clock_format(seen->wall_unix_ms, at);
        fprintf(stderr, "    %s %s %s at %s\n", action_names[seen->action.kind], seen->action.job, due, at);
    }
}

static _Noreturn void replay_fail(const struct replay *replay, const char *what)
{
    fprintf(stderr, "%s:%u: %s; not yet asked for:\n", replay->file, replay->line, what);
    replay_print_seen(replay);
    exit(1);
}

/* ---- the world around the core: what app.c does ---- */

static struct replay_stored *replay_stored_at(struct replay *replay, const char *key)
{
    for (size_t i = 0; i < replay->n_stored; i++) {
        if (!strcmp(replay->stored[i].key, key))
            return &replay->stored[i];
    }
    return NULL;
}

static void replay_delete(struct replay *replay, const char *key)
{
    struct replay_stored *stored = replay_stored_at(replay, key);

    if (stored)
        *stored = replay->stored[--replay->n_stored];
}

static void replay_store(struct replay *replay, struct sched_job *job)
{
    struct replay_stored *stored = replay_stored_at(replay, job->key);

    if (!stored)
        stored = &replay->stored[replay->n_stored++];
    memcpy(stored->key, job->key, sizeof(stored->key));
    stored->spec = job->spec;
    sched_job_save(job, &replay->now, &stored->state);
    job->is_changed = false;
}

static void replay_perform(struct replay *replay, struct sched_actions *actions)
{
    for (size_t i = 0; i < actions->n; i++) {
        if (actions->items[i].kind == SCHED_ACT_FORGET) {
            replay_delete(replay, actions->items[i].key);
            continue;
        }
        if (replay->n_seen == replay->room_seen) {
            replay->room_seen = replay->room_seen * 2 + 16;
            replay->seen = tip_realloc(replay->seen, replay->room_seen, sizeof(*replay->seen));
        }
        replay->seen[replay->n_seen++] = (struct replay_seen){actions->items[i], replay->now.wall_unix_ms};
    }
    for (size_t i = 0; i < sched_n_jobs(replay->sched); i++) {
        if (sched_job_at(replay->sched, i)->is_changed)
            replay_store(replay, sched_job_at(replay->sched, i));
    }
    sched_actions_deinit(actions);
}

static void replay_step(struct replay *replay, const struct sched_event *event)
{
    struct sched_actions actions = {0};

    replay->now.random[9]++;
    if (sched_step(replay->sched, event, &replay->now, &actions))
        replay_fail(replay, "refused");
    replay_perform(replay, &actions);
}

static void replay_tick(struct replay *replay)
{
    replay_step(replay, &(struct sched_event){.kind = SCHED_EV_TICK});
}

static void replay_pass(struct replay *replay, int64_t ms)
{
    replay->now.now_ms += ms;
    replay->now.wall_unix_ms += ms;
}

static void replay_configure(struct replay *replay)
{
    struct sched_actions actions = {0};

    sched_configure(replay->sched, replay->specs, replay->n_specs, &replay->now, &actions);
    replay_perform(replay, &actions);
}

/* ---- words ---- */

static int64_t replay_duration(const struct replay *replay, const char *text)
{
    uint64_t ms;

    if (!text || tip_duration_parse(&ms, text, strlen(text)))
        replay_fail(replay, "a duration is wanted");
    return (int64_t)ms;
}

static int64_t replay_time(const struct replay *replay, const char *text)
{
    int64_t unix_ms;

    if (!text || tip_clock_parse(&unix_ms, text, strlen(text)))
        replay_fail(replay, "a time is wanted");
    return unix_ms;
}

static struct sched_zone replay_zone(const struct replay *replay, const char *name)
{
    if (!strcmp(name, "Europe/Berlin"))
        return (struct sched_zone){.offset_s = zone_berlin};
    if (!strcmp(name, "America/New_York"))
        return (struct sched_zone){.offset_s = zone_new_york};
    replay_fail(replay, "unknown zone");
}

static enum sched_missed replay_missed(const struct replay *replay, const char *name)
{
    static const char *const names[SCHED_MISSED_COUNT] = {"skip", "once", "all"};

    for (int i = 0; i < SCHED_MISSED_COUNT; i++) {
        if (!strcmp(names[i], name))
            return (enum sched_missed)i;
    }
    replay_fail(replay, "missed is skip, once or all");
}

static void replay_job_word(const struct replay *replay, struct sched_spec_text *text, struct sched_zone *zone,
                            char *word)
{
    const struct {
        const char *key;
        const char **textp;
        int64_t *msp;
    } keys[] = {
        {"module", &text->module, NULL},
        {"target", &text->target, NULL},
        {"at", &text->at, NULL},
        {"cron", &text->cron, NULL},
        {"after", &text->after, NULL},
        {"zone", &text->timezone, NULL},
        {"every", NULL, &text->every_ms},
        {"delay", NULL, &text->delay_ms},
        {"jitter", NULL, &text->jitter_ms},
        {"deadline", NULL, &text->deadline_ms},
        {"expires", NULL, &text->expires_ms},
    };
    char *value = strchr(word, '=');

    if (!value)
        replay_fail(replay, "KEY=VALUE is wanted");
    *value++ = '\0';
    if (!strcmp(word, "missed")) {
        text->missed = replay_missed(replay, value);
        return;
    }
    if (!strcmp(word, "zone"))
        *zone = replay_zone(replay, value);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(word, keys[i].key) != 0)
            continue;
        if (keys[i].textp)
            *keys[i].textp = value;
        else
            *keys[i].msp = replay_duration(replay, value);
    }
}

static struct sched_spec *replay_spec(struct replay *replay, const char *name)
{
    for (size_t i = 0; i < replay->n_specs; i++) {
        if (!strcmp(replay->specs[i].name, name))
            return &replay->specs[i];
    }
    return NULL;
}

static const struct sched_run *replay_run_of(struct replay *replay, const char *name)
{
    for (size_t i = sched_n_jobs(replay->sched); i-- > 0;) {
        if (!strcmp(sched_job_at(replay->sched, i)->spec.name, name))
            return &sched_job_at(replay->sched, i)->state.run;
    }
    replay_fail(replay, "no such job");
}

/* ---- what happens ---- */

static void replay_do_wall(struct replay *replay, char **words)
{
    replay->now.wall_unix_ms = replay_time(replay, words[1]);
    replay_tick(replay);
}

static void replay_do_job(struct replay *replay, char **words)
{
    struct sched_spec_text text = {.name = words[1], .missed = SCHED_ONCE, .deadline_ms = REPLAY_DEADLINE_MS};
    struct sched_zone zone = {0};
    struct sched_spec *spec = replay_spec(replay, words[1]);
    const char *why;

    for (size_t i = 2; words[i]; i++)
        replay_job_word(replay, &text, &zone, words[i]);
    if (!spec)
        spec = &replay->specs[replay->n_specs++];
    if (sched_spec_make(spec, &text, &zone, &why))
        replay_fail(replay, why);
}

static void replay_do_drop(struct replay *replay, char **words)
{
    struct sched_spec *spec = replay_spec(replay, words[1]);

    if (!spec)
        replay_fail(replay, "no such job");
    *spec = replay->specs[--replay->n_specs];
}

static void replay_do_configure(struct replay *replay, char **words)
{
    (void)words;
    replay_configure(replay);
    replay_tick(replay);
}

static void replay_do_advance(struct replay *replay, char **words)
{
    int64_t left = replay_duration(replay, words[1]);

    for (;;) {
        int64_t wait = sched_wait_ms(replay->sched, &replay->now);

        if (wait > left)
            break;
        replay_pass(replay, wait ? wait : 1);
        left -= wait ? wait : 1;
        replay_tick(replay);
    }
    replay_pass(replay, left > 0 ? left : 0);
    replay_tick(replay);
}

static void replay_do_step(struct replay *replay, char **words)
{
    const char *text = words[1] ? words[1] : "";

    if (*text == '-')
        replay->now.wall_unix_ms -= replay_duration(replay, text + 1);
    else
        replay->now.wall_unix_ms += replay_duration(replay, text);
    replay_tick(replay);
}

static void replay_do_report(struct replay *replay, char **words)
{
    replay_step(replay, &(struct sched_event){.kind = SCHED_EV_REPORT,
                                              .run_id = replay_run_of(replay, words[1])->id,
                                              .is_ok = !strcmp(words[0], "done")});
    replay_tick(replay);
}

static void replay_do_topic(struct replay *replay, char **words)
{
    replay_step(replay, &(struct sched_event){.kind = SCHED_EV_TOPIC, .topic = words[1]});
    replay_tick(replay);
}

static void replay_do_run(struct replay *replay, char **words)
{
    char *slash = strchr(words[1], '/');

    if (slash)
        *slash++ = '\0';
    replay_step(replay, &(struct sched_event){.kind = SCHED_EV_RUN,
                                              .name = words[1],
                                              .target = slash ? slash : "",
                                              .force = words[2] != NULL,
                                              .deadline_ms = REPLAY_DEADLINE_MS});
    replay_tick(replay);
}

static void replay_do_pause(struct replay *replay, char **words)
{
    int64_t until = words[2] ? replay->now.wall_unix_ms + replay_duration(replay, words[2]) : 0;
    bool is_pause = !strcmp(words[0], "pause");

    replay_step(replay, &(struct sched_event){.kind = is_pause ? SCHED_EV_PAUSE : SCHED_EV_RESUME,
                                              .name = words[1],
                                              .reason = "replay",
                                              .until_unix_ms = until});
    replay_tick(replay);
}

static void replay_do_hearing(struct replay *replay, char **words)
{
    replay->now.hears_reports = !strcmp(words[0], "hears");
    replay_tick(replay);
}

static void replay_do_down(struct replay *replay, char **words)
{
    replay_pass(replay, replay_duration(replay, words[1]));
    replay->now.now_ms = 1000; /* another boot, for all the scheduler knows */
    sched_destroy(&replay->sched);
    replay->sched = sched_new();
    {
        struct replay_stored *stored = tip_memdup(replay->stored, sizeof(replay->stored));
        size_t n_stored = replay->n_stored;

        replay_configure(replay);
        for (size_t i = 0; i < n_stored; i++) {
            bool is_manual = stored[i].spec.rule == SCHED_MANUAL;

            if (sched_restore(replay->sched, stored[i].key, is_manual ? &stored[i].spec : NULL, &stored[i].state,
                              &replay->now))
                replay_delete(replay, stored[i].key);
        }
        free(stored);
    }
    replay_tick(replay);
}

/* ---- what must have followed ---- */

static struct replay_seen replay_take(struct replay *replay, enum sched_action_kind kind, const char *job)
{
    struct replay_seen seen = {0};

    if (replay->n_seen)
        seen = replay->seen[0];
    if (!replay->n_seen || seen.action.kind != kind || (job && strcmp(seen.action.job, job) != 0))
        replay_fail(replay, "something else followed");
    memmove(replay->seen, replay->seen + 1, --replay->n_seen * sizeof(*replay->seen));
    return seen;
}

static void replay_see_due(struct replay *replay, char **words)
{
    struct replay_seen copy = replay->n_seen ? replay->seen[0] : (struct replay_seen){0}, seen;
    int64_t due = replay_time(replay, words[2]);

    seen = replay_take(replay, SCHED_ACT_DUE, words[1]);
    if (seen.action.run.due_unix_ms == due && (!words[3] || seen.wall_unix_ms == replay_time(replay, words[4])))
        return;
    replay->n_seen = 1;
    replay->seen[0] = copy;
    replay_fail(replay, "it started for another time or at another");
}

static void replay_see_dues(struct replay *replay, char **words)
{
    for (long n = words[2] ? strtol(words[2], NULL, 10) : 0; n > 0; n--)
        replay_take(replay, SCHED_ACT_DUE, words[1]);
}

static void replay_see(struct replay *replay, char **words)
{
    enum sched_action_kind kind = 0;
    struct replay_seen seen;

    while (kind < SCHED_ACTION_COUNT && strcmp(action_names[kind], words[0]) != 0)
        kind++;
    seen = replay_take(replay, kind, words[1]);
    if (words[1] && words[2] && strcmp(words[2], sched_end_name(seen.action.end)) != 0)
        replay_fail(replay, "it ended otherwise");
}

static const struct {
    const char *word;
    void (*run)(struct replay *replay, char **words);
    bool is_asking;
} commands[] = {
    {"wall", replay_do_wall, false},       {"job", replay_do_job, false},
    {"drop", replay_do_drop, false},       {"configure", replay_do_configure, false},
    {"advance", replay_do_advance, false}, {"step", replay_do_step, false},
    {"done", replay_do_report, false},     {"failed", replay_do_report, false},
    {"topic", replay_do_topic, false},     {"run", replay_do_run, false},
    {"pause", replay_do_pause, false},     {"resume", replay_do_pause, false},
    {"deaf", replay_do_hearing, false},    {"hears", replay_do_hearing, false},
    {"down", replay_do_down, false},       {"due", replay_see_due, true},
    {"dues", replay_see_dues, true},       {"overdue", replay_see, true},
    {"closed", replay_see, true},          {"lifted", replay_see, true},
    {"joined", replay_see, true},          {"coalesced", replay_see, true},
    {"unknown", replay_see, true},
};

/* Words are parted by blanks; quotes keep blanks inside and go away. */
static void replay_split(char *line, char *words[REPLAY_WORDS_MAX + 1])
{
    size_t n = 0;

    line[strcspn(line, "#\n")] = '\0';
    while (n < REPLAY_WORDS_MAX && *(line += strspn(line, " \t"))) {
        bool is_quoted = false;
        char *to = line;

        words[n++] = line;
        for (; *line && (is_quoted || !strchr(" \t", *line)); line++) {
            if (*line == '"')
                is_quoted = !is_quoted;
            else
                *to++ = *line;
        }
        line += *line != '\0';
        *to = '\0';
    }
    words[n] = NULL;
}

static void replay_line(struct replay *replay, char *line)
{
    char *words[REPLAY_WORDS_MAX + 1];

    replay_split(line, words);
    if (!words[0])
        return;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].word, words[0]) != 0)
            continue;
        if (!commands[i].is_asking && replay->n_seen)
            replay_fail(replay, "more followed than was asked for");
        commands[i].run(replay, words);
        return;
    }
    replay_fail(replay, "unknown word");
}

int main(int argc, char **argv)
{
    struct replay *replay = tip_new(struct replay);
    tip_auto(tip_file_close) FILE *in = argc == 2 ? fopen(argv[1], "re") : NULL;
    char line[1024];

    if (!in)
        return 2;
    replay->file = argv[1];
    replay->now.now_ms = 5000;
    replay->now.hears_reports = true;
    replay->sched = sched_new();
    while (fgets(line, sizeof(line), in)) {
        replay->line++;
        replay_line(replay, line);
    }
    if (replay->n_seen)
        replay_fail(replay, "more followed than was asked for");
    sched_destroy(&replay->sched);
    free(replay->seen);
    free(replay);
    return 0;
}

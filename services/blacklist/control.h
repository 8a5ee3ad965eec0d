#pragma once
/*
 * A call of control.blacklist being answered, for the files that perform its actions.
 */
#include "app.h"

enum { CONTROL_VALUES = TIP_CALL_PARAMS_MAX, CONTROL_VALUE_BYTES = 4096, CONTROL_WHY = 300 };

/** A call being answered. */
struct control {
    struct app *app;
    struct tip_job *job; /* NULL once answered, or kept by a test */
    const struct tip_control_request *request;
    enum tip_failure failure;
    char result[CONTROL_WHY + 1]; /* or why it failed */
    int64_t until_unix_ms;        /* of a change; 0: for good */
    struct tip_control_answer answer;
    struct tip_param values[CONTROL_VALUES];
    struct tip_buf names[CONTROL_VALUES], texts[CONTROL_VALUES];
};

void control_fail(struct control *control, enum tip_failure failure, const char *why);

/** The text of one more value, to be filled; the last one again when there are too many. */
struct tip_buf *control_value(struct control *control, const char *name);

/** The result of filling it. */
void control_check(struct control *control, int r);

/** The same for the last value when the answer can do without: what is too large is taken off again. */
void control_fit(struct control *control, const char *name, int r);

/** The answer is complete: `job` is taken. */
void control_answer(struct control *control);
void control_deinit(struct control *control);

const char *control_actor(const struct control *control);

/** The source that is the target; NULL once it has been said that there is none. */
struct app_source *control_source(struct control *control);

/** What a parser saw: `rejected` and `reject.01` … */
void control_report(struct control *control, const struct bl_report *report);

/**
 * When what is asked for ends: parameter `until`, a time or a duration, else `expires` of the request; 0: never.
 *
 * @return false once it has been said why not
 */
bool control_until(struct control *control, int64_t *unix_msp);

/** Room for a change; says so when there is none. */
bool control_has_room(struct control *control);

/** A change was made: for the audit log, and for the same call if it comes again. */
tip_nodiscard int control_applied(struct control *control, struct tip_outbox_txn *txn);

/* control_source.c */
void control_change_source(struct control *control);

/* control_allow.c */
void control_word_add(struct control *control);
void control_word_remove(struct control *control);
void control_allow_why(struct control *control);

/* control_try.c */
void control_test(struct control *control);
void control_diff(struct control *control);
void control_new(struct control *control);

/* exports_control.c */
void exports_control_list(struct control *control);
void exports_control_show(struct control *control);
void exports_control_read(struct control *control);
void exports_control_run(struct control *control);
void exports_control_release(struct control *control);
